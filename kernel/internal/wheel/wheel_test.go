package wheel_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/netcore-go/netcore/kernel/internal/wheel"
)

// A conn is what the kernel would watch: it notes its activity itself.
type conn struct {
	entry    wheel.Entry[*conn]
	id       int
	deadline time.Duration
	gone     bool
}

func newConn(id int) *conn {
	c := &conn{id: id}
	c.entry.Value = c
	return c
}

func deadlineOf(c *conn) (time.Duration, bool) { return c.deadline, !c.gone }

func (c *conn) schedule(w *wheel.Wheel[*conn], at time.Duration) {
	c.deadline = at
	w.Schedule(&c.entry, at)
}

// advance returns the ids that expired.
func advance(w *wheel.Wheel[*conn], now time.Duration) []int {
	var ids []int
	w.Advance(now, func(c *conn) { ids = append(ids, c.id) })
	return ids
}

func TestExpiresNotEarlyAndWithinATick(t *testing.T) {
	const tick = 100 * time.Millisecond
	tests := []struct {
		name  string
		start time.Duration
		at    time.Duration
		last  time.Duration // nothing yet
		first time.Duration // now
	}{
		{"on a tick", 0, 300 * time.Millisecond, 299 * time.Millisecond, 300 * time.Millisecond},
		{"between ticks", 0, 301 * time.Millisecond, 399 * time.Millisecond, 400 * time.Millisecond},
		{"another level", 0, 5 * time.Minute, 5*time.Minute - 1, 5 * time.Minute},
		{"in the past", time.Hour, time.Minute, time.Hour + tick - 1, time.Hour + tick},
		{"years ahead", 0, 30 * 8766 * time.Hour, 30*8766*time.Hour - 1, 30 * 8766 * time.Hour},
		{"before the origin", 0, -time.Hour, tick - 1, tick},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := wheel.New(tick, tt.start, deadlineOf)
			newConn(7).schedule(w, tt.at)
			if got := advance(w, tt.last); len(got) != 0 {
				t.Errorf("Advance(%v) expired %v, want nothing", tt.last, got)
			}
			if got := advance(w, tt.first); !slices.Equal(got, []int{7}) {
				t.Errorf("Advance(%v) expired %v, want [7]", tt.first, got)
			}
		})
	}
}

func TestActivityNeedsNoCall(t *testing.T) {
	w := wheel.New(0, 0, deadlineOf)
	c := newConn(1)
	c.schedule(w, 10*time.Second)
	for now := time.Second; now < time.Minute; now += time.Second {
		c.deadline = now + 10*time.Second // all that an activity does
		if got := advance(w, now); len(got) != 0 {
			t.Fatalf("expired at %v, want nothing before %v", now, c.deadline)
		}
	}
	if got := advance(w, c.deadline); len(got) != 1 {
		t.Errorf("not expired at %v", c.deadline)
	}
}

func TestForgottenAndRemoved(t *testing.T) {
	w := wheel.New(0, 0, deadlineOf)
	a, b := newConn(1), newConn(2)
	a.schedule(w, time.Second)
	b.schedule(w, time.Second)
	a.gone = true
	w.Remove(&b.entry)
	w.Remove(&b.entry)
	if got := advance(w, time.Hour); len(got) != 0 {
		t.Errorf("expired %v, want nothing", got)
	}
	if w.Len() != 0 || a.entry.Scheduled() || b.entry.Scheduled() {
		t.Errorf("Len() = %d, scheduled %v, %v, want an empty wheel", w.Len(), a.entry.Scheduled(), b.entry.Scheduled())
	}
}

func TestTimeNeverGoesBack(t *testing.T) {
	w := wheel.New(0, 0, deadlineOf)
	advance(w, time.Hour)
	newConn(1).schedule(w, time.Minute)
	if got := advance(w, 2*time.Minute); len(got) != 0 {
		t.Errorf("expired %v in the past, want nothing", got)
	}
	if got := advance(w, math.MaxInt64); len(got) != 1 {
		t.Errorf("expired %v at the end of time, want [1]", got)
	}
}

func TestExpiredMayChangeTheWheel(t *testing.T) {
	w := wheel.New(0, 0, deadlineOf)
	a, b, c := newConn(1), newConn(2), newConn(3)
	for _, x := range []*conn{a, b, c} {
		x.schedule(w, time.Second)
	}
	var ids []int
	n := w.Advance(time.Second, func(x *conn) {
		ids = append(ids, x.id)
		w.Remove(&b.entry)
		x.schedule(w, 0) // comes due with the next tick, not in this call
	})
	if n != 2 || !slices.Equal(ids, []int{1, 3}) || w.Len() != 2 {
		t.Errorf("Advance() = %d, %v, Len() = %d, want 2, [1 3], 2", n, ids, w.Len())
	}
}

func TestNothingAllocates(t *testing.T) {
	w := wheel.New(0, 0, deadlineOf)
	c, now := newConn(1), time.Duration(0)
	none := func(*conn) {}
	n := testing.AllocsPerRun(1000, func() {
		now += time.Second
		c.schedule(w, now+time.Minute)
		w.Advance(now, none)
	})
	if n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

// The wheel against a map from connection to tick.
func TestWheelAgainstModel(t *testing.T) {
	const tick = 10 * time.Millisecond
	up := func(d time.Duration) time.Duration { return (max(d, 0) + tick - 1) / tick }
	rapid.Check(t, func(t *rapid.T) {
		w := wheel.New(tick, 0, deadlineOf)
		conns, model := make([]*conn, 8), map[int]time.Duration{}
		for i := range conns {
			conns[i] = newConn(i)
		}
		now := time.Duration(0)
		which := rapid.IntRange(0, len(conns)-1)
		ahead := rapid.OneOf(rapid.Int64Range(0, 50), rapid.Int64Range(0, 3000), rapid.Int64Range(0, 1e6), rapid.Int64Range(0, 1e10))
		later := func(t *rapid.T) time.Duration { return now + time.Duration(ahead.Draw(t, "ms"))*time.Millisecond }
		t.Repeat(map[string]func(*rapid.T){
			"schedule": func(t *rapid.T) {
				c, at := conns[which.Draw(t, "conn")], later(t)
				c.schedule(w, at)
				model[c.id] = max(up(at), now/tick+1)
			},
			"activity": func(t *rapid.T) {
				c := conns[which.Draw(t, "conn")]
				c.deadline = max(c.deadline, later(t))
			},
			"remove": func(t *rapid.T) {
				c := conns[which.Draw(t, "conn")]
				w.Remove(&c.entry)
				delete(model, c.id)
			},
			"advance": func(t *rapid.T) {
				now = later(t)
				checkAdvance(t, w, conns, model, now, tick)
			},
			"": func(t *rapid.T) {
				for _, c := range conns {
					if _, want := model[c.id]; c.entry.Scheduled() != want {
						t.Fatalf("Scheduled() of %d = %v, want %v", c.id, !want, want)
					}
				}
				if w.Len() != len(model) {
					t.Fatalf("Len() = %d, want %d", w.Len(), len(model))
				}
			},
		})
	})
}

func checkAdvance(t *rapid.T, w *wheel.Wheel[*conn], conns []*conn, model map[int]time.Duration, now, tick time.Duration) {
	due := map[int]time.Duration{}
	for id, at := range model {
		switch {
		case at > now/tick:
		case conns[id].deadline > now:
			model[id] = (conns[id].deadline + tick - 1) / tick
		default:
			due[id] = at
			delete(model, id)
		}
	}
	last := time.Duration(0)
	n := w.Advance(now, func(c *conn) {
		at, ok := due[c.id]
		if !ok || at < last {
			t.Fatalf("expired %d, due %v, after tick %d, at %v; want %v", c.id, at, last, now, due)
		}
		last = at
		delete(due, c.id)
	})
	if len(due) != 0 {
		t.Fatalf("Advance(%v) = %d, left out %v", now, n, due)
	}
}

// BenchmarkMillion measures one second of a million connections with a timeout
// of five minutes that are all active: a third of a percent come due in it.
func BenchmarkMillion(b *testing.B) {
	conns := make([]conn, 1_000_000)
	var now time.Duration
	w := wheel.New(0, 0, func(*conn) (time.Duration, bool) { return now + 5*time.Minute, true })
	for i := range conns {
		w.Schedule(&conns[i].entry, time.Duration(i)*300*time.Microsecond)
	}
	for b.Loop() {
		now += time.Second
		w.Advance(now, func(*conn) { b.Fatal("expired") })
	}
}

func BenchmarkSchedule(b *testing.B) {
	w := wheel.New(0, 0, deadlineOf)
	c := newConn(1)
	for b.Loop() {
		w.Schedule(&c.entry, 5*time.Minute)
	}
}
