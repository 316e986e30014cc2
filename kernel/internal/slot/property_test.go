package slot_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/netcore-go/netcore/kernel/internal/slot"
)

// TestInvariants plays random events to a slot, in a world where processes
// start, die and exit as they like, and checks after each what must always hold.
func TestInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := world{t: t, live: map[uint64]bool{}, holds: map[uint64]bool{}, asked: map[uint64]bool{}, now: time.Unix(0, 0)}
		for range rapid.IntRange(1, 120).Draw(t, "events") {
			w.step(w.draw())
		}
		w.step(slot.StopRequested{Op: w.op()})
		for len(w.live) > 0 {
			w.step(slot.Died{Inc: w.liveIncs()[0], Reason: "killed", Now: w.now})
		}
		if w.state.Mode != slot.Stopped || len(w.asked) != 0 {
			t.Fatalf("%v with operations %v unanswered, want stopped and all answered", w.state, w.asked)
		}
	})
}

// A world is what the slot's actions bring about.
type world struct {
	t       *rapid.T
	state   slot.State
	now     time.Time
	live    map[uint64]bool // instances; whether Started was said
	holds   map[uint64]bool // instances, dead ones too, that may hold connections
	asked   map[uint64]bool // operations without a Reply
	lastOp  uint64
	lastInc uint64
	newTo   uint64 // where new connections go
}

func (w *world) op() uint64 {
	w.lastOp++
	w.asked[w.lastOp] = true
	return w.lastOp
}

func (w *world) liveIncs() []uint64 {
	var incs []uint64
	for inc := range w.live {
		incs = append(incs, inc)
	}
	slices.Sort(incs)
	return incs
}

// draw returns an event that can happen in this world. Ends and starts come more
// often than requests, and stops seldom.
func (w *world) draw() slot.Event {
	t := w.t
	w.now = w.now.Add(rapid.SampledFrom([]time.Duration{0, 10 * time.Millisecond, time.Second, 20 * time.Second, 6 * time.Minute}).Draw(t, "later"))
	random := rapid.Float64Range(0, 0.999).Draw(t, "rand")
	kind := rapid.SampledFrom([]string{"boot", "swap", "swap", "rollback", "reset", "stop", "timer", "timer",
		"started", "started", "started", "failed", "died", "died", "exited", "moved", "moved", "limit"}).Draw(t, "event")
	switch kind {
	case "boot":
		return slot.Boot{Op: w.op(), Binary: binary("v1")}
	case "swap":
		return slot.SwapRequested{Op: w.op(), Binary: binary(rapid.SampledFrom([]string{"", "v1", "v2", "v3"}).Draw(t, "binary"))}
	case "rollback":
		return slot.RollbackRequested{Op: w.op()}
	case "reset":
		return slot.ResetRequested{Op: w.op()}
	case "stop":
		if rapid.IntRange(0, 9).Draw(t, "really") == 0 {
			return slot.StopRequested{Op: w.op()}
		}
		return slot.Timer{Now: w.now}
	case "timer":
		return slot.Timer{Now: w.now}
	}
	inc := rapid.Uint64Range(0, w.lastInc+1).Draw(t, "late")
	if incs := w.liveIncs(); len(incs) > 0 && rapid.IntRange(0, 9).Draw(t, "known") > 0 {
		inc = rapid.SampledFrom(incs).Draw(t, "inc")
	}
	switch {
	case kind == "started":
		return slot.Started{Inc: inc}
	case kind == "failed" && !w.live[inc]:
		return slot.StartFailed{Inc: inc, Reason: "bad", Now: w.now, Rand: random}
	case kind == "exited":
		return slot.Exited{Inc: inc, Now: w.now, Rand: random}
	case kind == "moved":
		return slot.MoveDone{From: inc}
	case kind == "limit":
		return slot.DrainLimit{Inc: inc}
	}
	return slot.Died{Inc: inc, Reason: "panic", Now: w.now, Rand: random}
}

func (w *world) step(e slot.Event) {
	before, shown := w.state, w.state.String()
	known := w.happen(e)
	after, actions := slot.Next(before, e)
	again, actionsAgain := slot.Next(before, e)
	if before.String() != shown || after.String() != again.String() || len(actions) != len(actionsAgain) {
		w.t.Fatalf("%#v on %s: the function is not pure", e, shown)
	}
	if !known && (len(actions) > 0 || after.String() != shown) {
		w.t.Fatalf("%#v, of no live instance, on %s: actions %v, then %v", e, shown, actions, after)
	}
	w.state = after
	for _, a := range actions {
		w.act(before, a)
	}
	w.check(e, shown, actions)
}

// happen lets an event come true in the world, before the slot hears of it. It
// reports false if it is about an instance that does not live.
func (w *world) happen(e slot.Event) bool {
	var inc uint64
	switch e := e.(type) {
	case slot.Started:
		inc = e.Inc
		if _, ok := w.live[inc]; ok {
			w.live[inc] = true
		}
		_, ok := w.live[inc]
		return ok
	case slot.MoveDone:
		_, ok := w.live[e.From]
		return ok
	case slot.DrainLimit:
		_, ok := w.live[e.Inc]
		return ok
	case slot.StartFailed:
		inc = e.Inc
	case slot.Died:
		inc = e.Inc
	case slot.Exited:
		inc = e.Inc
		if inc == w.state.Old.Inc {
			delete(w.holds, inc)
		}
	default:
		return true
	}
	_, ok := w.live[inc]
	delete(w.live, inc)
	return ok
}

// act does an action, or says why it cannot be.
func (w *world) act(before slot.State, a slot.Action) {
	ready := func(inc uint64) {
		if !w.live[inc] {
			w.t.Fatalf("%v on %v: #%d is not ready", a, before, inc)
		}
	}
	switch a := a.(type) {
	case slot.Start:
		if a.Inc <= w.lastInc || a.Binary.IsZero() || before.Mode == slot.Stopped {
			w.t.Fatalf("%v on %v", a, before)
		}
		w.lastInc, w.live[a.Inc] = a.Inc, false
	case slot.Serve:
		ready(a.Inc)
		w.newTo, w.holds[a.Inc] = a.Inc, true
	case slot.Move:
		ready(a.From)
		ready(a.To)
	case slot.Retire:
		ready(a.Inc)
	case slot.Adopt:
		ready(a.To)
		if _, ok := w.live[a.Dead]; ok || !w.holds[a.Dead] {
			w.t.Fatalf("%v on %v: it is not dead, or was given away", a, before)
		}
		delete(w.holds, a.Dead)
		w.holds[a.To] = true
	case slot.Quarantine:
		w.dropDead()
	case slot.Reply:
		if !w.asked[a.Op] {
			w.t.Fatalf("%v on %v: a second reply", a, before)
		}
		delete(w.asked, a.Op)
	}
}

func (w *world) dropDead() {
	for inc := range w.holds {
		if _, ok := w.live[inc]; !ok {
			delete(w.holds, inc)
		}
	}
}

func (w *world) check(e slot.Event, shown string, actions []slot.Action) {
	s := w.state
	fail := func(why string) {
		w.t.Helper()
		w.t.Fatalf("%s\nafter %#v on %s\nactions %v\nthen %v", why, e, shown, actions, s)
	}
	incs := w.liveIncs()
	if len(incs) > 2 {
		fail("more than two live instances")
	}
	if s.Live() != len(incs) {
		fail("the slot has lost count of live instances")
	}
	for _, i := range []slot.Instance{s.Serving, s.Next, s.Old} {
		if i.Live() && !slices.Contains(incs, i.Inc) {
			fail("the slot counts on an instance that has ended")
		}
	}
	if len(w.asked) > 1 {
		fail("more than one operation waits")
	}
	if s.Mode == slot.Serving && (s.Live() != 1 || !s.Serving.Live() || w.newTo != s.Serving.Inc) {
		fail("serving without exactly one serving instance")
	}
	if s.Mode == slot.Swapping && s.Live() == 0 || s.Mode == slot.Starting && !s.Next.Live() {
		fail("nothing that could make it go on")
	}
	if s.Mode == slot.Restarting && s.Next.Live() == !s.Until.IsZero() {
		fail("restarting needs either an instance or a timer")
	}
	if (s.Mode == slot.Swapping) != (s.Step != slot.NoStep) {
		fail("a step that is not the mode's")
	}
	for inc := range w.holds {
		if _, ok := w.live[inc]; !ok && s.Mode == slot.Serving {
			fail("connections of a dead instance were forgotten")
		}
	}
}
