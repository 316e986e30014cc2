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
	kills, conns := choose(100, 10), choose(crowd, crowd)
	s := start(t, server.EchoYAML)
	f := dial(t, s, conns)
	lost := 0
	for i := range kills {
		stop := talk(t, f.Conns()[:conns/5], rate)
		if err := f.AwaitAnswers(patient(t), rate/20); err != nil {
			t.Fatal(err)
		}
		<-time.After(rand.N(50 * time.Millisecond)) // the random moment
		bound := outstanding(f) - int(f.Sent())
		pid, _ := kill(t, s, "echo")
		if err := s.AwaitSuccessor("echo", pid); err != nil {
			t.Fatal(err)
		}
		bound += int(f.Sent()) // what was outstanding, and was sent until the successor served
		stop()
		if err := f.Ask(patient(t)); err != nil { // which shows what is missing
			t.Fatal(err)
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
	t.Logf("%d kills of the handler of %d connections: %d of %d messages lost, no connection", kills, conns, lost, r.Sent)
}

func outstanding(f *count.Fleet) (sum int) {
	for _, c := range f.Conns() {
		n, _ := c.Outstanding()
		sum += n
	}
	return sum
}
