package e2e_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/netcore-go/netcore/test/e2e/internal/count"
	"github.com/netcore-go/netcore/test/e2e/internal/server"
)

// TestKillHandler kills the handler: all connections stay, and at most what was
// outstanding is lost.
func TestKillHandler(t *testing.T) {
	killHandler(t, choose(100, 10), func(t *testing.T, s *server.Server, _ int) int {
		pid, _ := kill(t, s, "echo")
		return pid
	})
}

// TestKillHandlerDuringSwap kills an instance of the handler at a random moment
// of a swap, as TestKillDuringSwap does with the protocol plugin.
func TestKillHandlerDuringSwap(t *testing.T) {
	swapped := 0
	killHandler(t, choose(100, 20), func(t *testing.T, s *server.Server, i int) int {
		pid, _ := killInSwap(t, s, "echo", i%3, &swapped)
		return pid
	})
	t.Logf("%d swaps succeeded", swapped)
}

func killHandler(t *testing.T, kills int, hit func(t *testing.T, s *server.Server, i int) (pid int)) {
	t.Helper()
	s := start(t, server.EchoYAML)
	f := dial(t, s, crowd)
	lost := 0
	for i := range kills {
		stop := talk(t, f.Conns()[:talkers], rate)
		if err := f.AwaitAnswers(patient(t), rate/20); err != nil {
			t.Fatal(err)
		}
		<-time.After(rand.N(50 * time.Millisecond)) // the random moment
		bound := outstanding(f) - int(f.Sent())
		pid := hit(t, s, i)
		if err := s.AwaitSuccessor("echo", pid); err != nil {
			t.Fatal(err)
		}
		bound += int(f.Sent()) // what was outstanding, and was sent until the successor served
		stop()
		if err := f.Ask(patient(t)); err != nil { // which shows what is missing
			t.Fatalf("kill %d: %v", i, err)
		}
		now := f.Report().Lost
		if n := now - lost; n > bound {
			t.Errorf("kill %d: %d messages lost, with %d outstanding", i, n, bound)
		}
		lost = now
		if err := s.Forgive("echo"); err != nil {
			t.Fatal(err)
		}
	}
	r := f.Report()
	r.Lost = 0 // they were compared with what was outstanding
	if faults := r.Faults(); faults != "" || len(r.Ended) > 0 {
		t.Errorf("ended %v, faults: %s", r.Ended, faults)
	}
	t.Logf("%d kills of the handler of %d connections: %d of %d messages lost, no connection", kills, crowd, lost, r.Sent)
}

func outstanding(f *count.Fleet) (sum int) {
	for _, c := range f.Conns() {
		n, _ := c.Outstanding()
		sum += n
	}
	return sum
}
