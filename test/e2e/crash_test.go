package e2e_test

import (
	"maps"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/netcore-go/netcore/kernel"
	"github.com/netcore-go/netcore/test/e2e/internal/count"
	"github.com/netcore-go/netcore/test/e2e/internal/server"
)

// outage is how long after the death of the protocol plugin service may be
// away, and how long a client may be left without an answer or an end.
const outage = time.Second

// A siege is a server under load whose protocol plugin is killed.
type siege struct {
	s       *server.Server
	f       *count.Fleet
	talkers int
	rate    int
	limit   time.Duration    // of the outage
	closed  map[string]int64 // by the kernel before the round
}

// A blow is what one kill has done.
type blow struct {
	ended int           // connections of the fleet
	cut   int           // visits
	back  time.Duration // until a new client was answered
	worst time.Duration // until the last of the ended ones knew
}

// round kills the plugin while the clients talk and others come, and checks that
// nobody is left in the dark. hit does the killing and returns whom and when.
func (g *siege) round(t *testing.T, hit func() (pid int, at time.Time)) (b blow) {
	t.Helper()
	g.closed = closed(t, g.s)
	conns := g.f.Conns()
	stop := talk(t, conns[:g.talkers], g.rate)
	visitors := count.StartVisits(g.s.Address, 50, true)
	if err := g.f.AwaitAnswers(patient(t), int64(g.rate/20)); err != nil {
		t.Fatal(err)
	}
	pid, at := hit()
	if err := g.s.AwaitSuccessor("tcp", pid); err != nil {
		t.Fatal(err)
	}
	if err := visitors.Await(patient(t), 5); err != nil { // of the talkers none may live
		t.Fatal(err)
	}
	stop()
	visits := visitors.Stop()
	settleAndAsk(t, g.f)
	g.checkConns(t, conns, at, &b)
	g.checkVisits(t, visits, at, &b)
	g.checkClosed(t, b)
	if faults := g.f.Report().Faults(); faults != "" {
		t.Errorf("faults: %s", faults)
	}
	return b
}

// checkConns checks that only those that talked have ended, and in time.
func (g *siege) checkConns(t *testing.T, conns []*count.Conn, at time.Time, b *blow) {
	t.Helper()
	for i, c := range conns {
		end := c.End()
		if end == nil {
			continue
		}
		b.ended++
		after := end.At.Sub(at)
		b.worst = max(b.worst, after)
		switch {
		case i >= g.talkers:
			t.Errorf("connection %d was idle and ended: %+v", c.Number, *end)
		case end.Kind != "EOF" && end.Kind != "RST":
			t.Errorf("connection %d ended with %q", c.Number, end.Kind)
		case after < 0 || after > g.limit:
			t.Errorf("connection %d ended %v after the kill: %+v", c.Number, after, *end)
		}
	}
}

// checkVisits checks that only those that had begun before the kill were cut,
// and that service was back in time.
func (g *siege) checkVisits(t *testing.T, visits []count.Visit, at time.Time, b *blow) {
	t.Helper()
	for _, v := range visits {
		switch {
		case v.Cut() && v.Began.Before(at):
			b.cut++
		case v.Err != nil:
			t.Errorf("%v (the kill was at %s)", v, at.Format("15:04:05.000"))
		}
	}
	back, ok := count.Back(visits, at)
	if !ok || back > g.limit {
		t.Errorf("service is back %v after the kill (seen: %t), want within %v", back, ok, g.limit)
	}
	b.back = back
}

// checkClosed checks that the kernel has counted what the clients have seen.
func (g *siege) checkClosed(t *testing.T, b blow) {
	t.Helper()
	var got map[string]int64
	agree := func(st kernel.Status) bool {
		got = maps.Clone(st.Closed)
		for cause, n := range g.closed {
			got[cause] -= n
		}
		crashed := got["crashed"]
		for cause, n := range got {
			if n != 0 && cause != "crashed" && cause != "orderly" {
				return false
			}
		}
		return crashed == int64(b.ended+b.cut)
	}
	if err := g.s.Await("its counts are those of the clients", agree); err != nil {
		t.Errorf("the kernel has closed %v, the clients have seen %d + %d crashed: %v", got, b.ended, b.cut, err)
	}
}

func closed(t *testing.T, s *server.Server) map[string]int64 {
	t.Helper()
	st, err := s.Status()
	if err != nil {
		t.Fatal(err)
	}
	return st.Closed
}

// heal replaces the clients that have ended, and has the kernel forget the death.
func (g *siege) heal(t *testing.T) {
	t.Helper()
	lost := g.f.Prune()
	if err := g.f.Grow(patient(t), g.s.Address, lost); err != nil {
		t.Fatal(err)
	}
	if err := g.f.Ask(patient(t)); err != nil {
		t.Fatal(err)
	}
	if err := g.s.Forgive("tcp"); err != nil {
		t.Fatal(err)
	}
}

// kill sends SIGKILL to the instance of a plugin that serves.
func kill(t *testing.T, s *server.Server, plugin string) (pid int, at time.Time) {
	t.Helper()
	if err := s.AwaitServing(plugin); err != nil {
		t.Fatal(err)
	}
	pid, err := s.Plugin(plugin)
	if err != nil {
		t.Fatal(err)
	}
	at = time.Now()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	return pid, at
}

func TestKillProtocol(t *testing.T) {
	for name, yaml := range carriers {
		t.Run(name, func(t *testing.T) {
			s := start(t, yaml)
			g := siege{s: s, f: dial(t, s, crowd), talkers: talkers, rate: rate, limit: within(outage)}
			b := g.round(t, func() (int, time.Time) { return kill(t, s, "tcp") })
			t.Logf("%d connections, %d talking: %d ended, the last %v after the kill; %d visits cut; back after %v; %v",
				crowd, talkers, b.ended, round(b.worst), b.cut, round(b.back), g.f.Report())
		})
	}
}

func TestKillProtocolAtRandomMoments(t *testing.T) {
	kills, conns := choose(100, 20), choose(crowd, 500)
	s := start(t, server.EchoYAML)
	g := siege{s: s, f: dial(t, s, conns), talkers: conns / 5, rate: conns, limit: within(outage)}
	var sum blow
	for i := range kills {
		b := g.round(t, func() (int, time.Time) {
			<-time.After(rand.N(50 * time.Millisecond)) // the random moment
			return kill(t, s, "tcp")
		})
		if t.Failed() {
			t.Fatalf("in round %d", i)
		}
		sum.ended, sum.cut = sum.ended+b.ended, sum.cut+b.cut
		sum.back, sum.worst = max(sum.back, b.back), max(sum.worst, b.worst)
		g.heal(t)
	}
	t.Logf("%d kills of %d connections: %d ended, at most %v after the kill; %d visits cut; back after at most %v",
		kills, conns, sum.ended, round(sum.worst), sum.cut, round(sum.back))
}

// TestKillUnderPressure kills the protocol plugin while clients send more than
// is answered at once, so that many messages are under way at any moment.
func TestKillUnderPressure(t *testing.T) {
	for name, yaml := range carriers {
		t.Run(name, func(t *testing.T) { killUnderPressure(t, yaml) })
	}
}

func killUnderPressure(t *testing.T, yaml string) {
	t.Helper()
	kills := choose(100, 15)
	pressure := 15_000 // messages a second
	if raced {
		pressure /= 10
	}
	s := start(t, yaml)
	g := siege{s: s, f: dial(t, s, 500), talkers: 100, rate: pressure, limit: within(outage)}
	ended := 0
	for i := range kills {
		b := g.round(t, func() (int, time.Time) {
			<-time.After(rand.N(50 * time.Millisecond)) // the random moment
			return kill(t, s, "tcp")
		})
		if t.Failed() {
			t.Fatalf("in round %d", i)
		}
		ended += b.ended
		g.heal(t)
	}
	t.Logf("%d kills with %d messages a second over %d connections: %d ended; %v", kills, pressure, g.talkers, ended, g.f.Report())
}

// TestKillDuringSwap kills an instance of the protocol plugin at a random moment
// of a swap: the old one or the new one of its own swap, or the one that serves
// while the handler is swapped.
func TestKillDuringSwap(t *testing.T) {
	kills, conns := choose(100, 20), choose(crowd, 500)
	s := start(t, server.EchoYAML)
	g := siege{s: s, f: dial(t, s, conns), talkers: conns / 5, rate: conns, limit: within(outage)}
	var ended, swapped int
	for i := range kills {
		b := g.round(t, func() (int, time.Time) { return killInSwap(t, s, "tcp", i%3, &swapped) })
		if t.Failed() {
			t.Fatalf("in round %d", i)
		}
		ended += b.ended
		g.heal(t)
	}
	t.Logf("%d kills in swaps of %d connections, %d swaps succeeded: %d ended", kills, conns, swapped, ended)
}

// killInSwap starts a swap of the plugin and kills its old instance (0) or its new
// one (1), or kills it in a swap of the other plugin (2). If there is no new one,
// it kills the old one.
func killInSwap(t *testing.T, s *server.Server, plugin string, which int, swapped *int) (pid int, at time.Time) {
	t.Helper()
	swap := plugin
	if which == 2 {
		swap = map[string]string{"tcp": "echo", "echo": "tcp"}[plugin]
	}
	result := make(chan error, 1) // capacity 1: it is received below in any case
	go func() {
		_, err := s.Swap(swap, "")
		result <- err
	}()
	<-time.After(rand.N(30 * time.Millisecond)) // the random moment
	pids, err := s.Instances(plugin)
	if err != nil || len(pids) == 0 {
		t.Fatalf("instances %v: %v", pids, err)
	}
	pid, at = pids[min(which, len(pids)-1)], time.Now()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
		t.Fatal(err)
	}
	if err := <-result; err == nil {
		*swapped++
	}
	return pid, at
}
