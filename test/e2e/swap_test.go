package e2e_test

import (
	"slices"
	"testing"
	"time"

	"github.com/netcore-go/netcore/test/e2e/internal/count"
	"github.com/netcore-go/netcore/test/e2e/internal/server"
)

// The load of the promises: connections, how many of them talk, and how many
// messages a second those send together.
const (
	crowd   = 2000
	talkers = 400
	rate    = 2000
)

// maxPause is how long a connection may stand still in a swap, at the 99th
// percentile.
const maxPause = 100 * time.Millisecond

// swapsOnce is how many swaps the pauses are taken of. What the clients see is
// also what the machine does to them meanwhile, swap or not: of that the median
// counts. The kernel knows how long each connection stood still: that is to hold
// in each swap.
const swapsOnce = 5

func TestSwapUnderLoad(t *testing.T) {
	for _, plugin := range []string{"tcp", "echo"} {
		t.Run(plugin, func(t *testing.T) {
			s := start(t, server.EchoYAML)
			f := dial(t, s, crowd)
			stop := talk(t, f.Conns()[:talkers], rate)
			var without, clients, kernel []time.Duration
			for range swapsOnce {
				f.ResetPauses()
				if err := f.AwaitAnswers(patient(t), 2*talkers); err != nil {
					t.Fatal(err)
				}
				without = append(without, f.Report().Pause(0.99))
				f.ResetPauses()
				r, err := s.Swap(plugin, "")
				if err != nil {
					t.Fatal(err)
				}
				if r.Moved != crowd || r.Remaining != 0 {
					t.Errorf("moved %d connections and left %d, want %d and 0", r.Moved, r.Remaining, crowd)
				}
				if err := f.AwaitAnswers(patient(t), 2*talkers); err != nil {
					t.Fatal(err)
				}
				clients = append(clients, f.Report().Pause(0.99))
				kernel = append(kernel, r.PauseP99)
			}
			stop()
			settleAndAsk(t, f)
			report := untouched(t, f)
			t.Logf("%d connections, %d messages answered; pause p99 of each swap: clients %v, without a swap %v, kernel %v",
				crowd, report.Answered, rounded(clients), rounded(without), rounded(kernel))
			slices.Sort(clients)
			if seen, stood := clients[swapsOnce/2], slices.Max(kernel); seen > within(maxPause) || stood > within(maxPause) {
				t.Errorf("pause p99 = %v for clients, %v in the kernel, want at most %v", seen, stood, maxPause)
			}
		})
	}
}

func rounded(all []time.Duration) []time.Duration {
	out := slices.Clone(all)
	for i := range out {
		out[i] = round(out[i])
	}
	return out
}

func TestManySwaps(t *testing.T) {
	for name, yaml := range carriers {
		t.Run(name, func(t *testing.T) { manySwaps(t, yaml) })
	}
}

func manySwaps(t *testing.T, yaml string) {
	t.Helper()
	s := start(t, yaml)
	f := dial(t, s, crowd)
	stop := talk(t, f.Conns()[:talkers], rate)
	began := time.Now()
	const swaps = 50
	for i := range swaps {
		plugin := []string{"tcp", "echo"}[i%2]
		if _, err := s.Swap(plugin, ""); err != nil {
			t.Fatalf("swap %d: %v", i, err)
		}
	}
	took := time.Since(began)
	stop()
	settleAndAsk(t, f)
	t.Logf("%d swaps in %v: %v", swaps, round(took), untouched(t, f))
}

// arrivals is how many clients a second come in while plugins are swapped.
const arrivals = 500

func TestSwapsWhileClientsArrive(t *testing.T) {
	s := start(t, server.EchoYAML)
	f := dial(t, s, 200)
	began := time.Now()
	visitors := count.StartVisits(s.Address, arrivals, false)
	const swaps = 50
	for i := range swaps {
		plugin := []string{"tcp", "echo"}[i%2]
		if _, err := s.Swap(plugin, ""); err != nil {
			t.Errorf("swap %d: %v", i, err)
		}
	}
	visits := visitors.Stop()
	settleAndAsk(t, f)
	untouched(t, f)
	for _, v := range visits {
		if v.Err != nil {
			t.Error(v)
		}
	}
	t.Logf("%d swaps in %v, %d visits, the longest took %v", swaps, round(time.Since(began)), len(visits), round(count.Longest(visits)))
}
