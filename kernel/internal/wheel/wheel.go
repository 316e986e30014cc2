// Package wheel is a hierarchical timing wheel for the idle timeouts of very
// many connections.
//
// An activity costs nothing here: the owner notes its own time of last activity
// and leaves the wheel alone. Only when an entry comes due does the wheel ask for
// the real deadline, and puts the entry back if that has moved on; a busy
// connection is therefore looked at once per timeout.
//
//	level 0: 64 slots of 1 tick   ┐ an entry lies in the lowest level that still
//	level 1: 64 slots of 64 ticks │ tells its tick from the present one, and
//	level 2: 64 slots of 4096 ... ┘ moves down when the present reaches its slot
//
// Entries are embedded in what they watch and linked by pointers: Schedule and
// Remove take constant time and never allocate. There is no clock and no
// goroutine: the owner calls [Wheel.Advance]. Times are durations since an
// origin of the owner's choice.
package wheel

import (
	"math/bits"
	"time"
)

const (
	slotBits = 6
	slots    = 1 << slotBits
	levels   = 11 // enough for any 64-bit tick
)

// DefaultTick is the resolution of a wheel that is not told another.
const DefaultTick = 100 * time.Millisecond

// An Entry is what a wheel holds. It is embedded in what it watches, must not be
// copied while it is scheduled, and is in one wheel at most.
type Entry[T any] struct {
	// Value is what the wheel's deadline function and Advance are given. It
	// is set before the first Schedule.
	Value T

	prev, next *Entry[T] // nil unless scheduled
	tick       uint64    // when it comes due
	level      uint8
	slot       uint8
}

// Scheduled reports whether the entry is in a wheel.
func (e *Entry[T]) Scheduled() bool { return e.next != nil }

// A Wheel is a set of scheduled entries. It is not safe for concurrent use; its
// owner has one goroutine, or a lock. The deadline function may read what other
// goroutines write atomically.
type Wheel[T any] struct {
	tick     time.Duration
	deadline func(T) (at time.Duration, ok bool)
	now      uint64 // the tick up to which everything has come due
	count    int
	used     [levels]uint64 // a bit for each slot that is not empty
	slot     [levels][slots]Entry[T]
}

// New returns an empty wheel whose present is start. Entries come due with a
// resolution of tick (if zero, DefaultTick), never early. When one does, deadline
// is asked: at is when it is really due, and ok is false if it shall be forgotten.
// deadline must not call the wheel.
func New[T any](tick, start time.Duration, deadline func(T) (at time.Duration, ok bool)) *Wheel[T] {
	if tick <= 0 {
		tick = DefaultTick
	}
	w := &Wheel[T]{tick: tick, deadline: deadline, now: uint64(max(start, 0) / tick)}
	for l := range w.slot {
		for s := range w.slot[l] {
			head := &w.slot[l][s]
			head.prev, head.next = head, head
		}
	}
	return w
}

// Len returns how many entries are scheduled.
func (w *Wheel[T]) Len() int { return w.count }

// Schedule puts e into the wheel for time at, or moves it there. An e that is
// past due comes due with the next tick. It is called when a connection begins
// and when its timeout becomes shorter; a deadline that moves on needs no call.
func (w *Wheel[T]) Schedule(e *Entry[T], at time.Duration) {
	w.Remove(e)
	w.insert(e, max(w.ceil(at), w.now+1))
}

// Remove takes e out of the wheel. An e that is not scheduled is left alone.
func (w *Wheel[T]) Remove(e *Entry[T]) {
	if e.next == nil {
		return
	}
	e.prev.next, e.next.prev = e.next, e.prev
	e.prev, e.next = nil, nil
	w.count--
	if head := &w.slot[e.level][e.slot]; head.next == head {
		w.used[e.level] &^= 1 << e.slot
	}
}

// Advance moves the present to now and calls expired for each entry whose real
// deadline has passed, in the order of their ticks. expired gets an entry that
// is out of the wheel already, and may call Schedule and Remove for any. A now
// before the present does nothing. It returns how many expired.
func (w *Wheel[T]) Advance(now time.Duration, expired func(T)) (n int) {
	target := uint64(max(now, 0) / w.tick)
	for w.now < target {
		next, ok := w.nextEvent()
		if !ok || next > target {
			w.now = target
			return n
		}
		w.now = next
		w.cascade()
		n += w.expire(now, expired)
	}
	return n
}

// nextEvent returns the next tick at which a slot is to be opened: expired on
// level 0, spread over the levels below elsewhere.
func (w *Wheel[T]) nextEvent() (tick uint64, ok bool) {
	for l := range levels {
		at := w.now >> (l * slotBits)
		// Slots at or before the present one are empty on each level: an
		// entry differs from the present first in this level's digit.
		if ahead := w.used[l] >> (at % slots); ahead != 0 {
			slot := at + uint64(bits.TrailingZeros64(ahead))
			return slot << (l * slotBits), true
		}
	}
	return 0, false
}

// cascade spreads the slots that begin at the present tick, from the top.
func (w *Wheel[T]) cascade() {
	for l := levels - 1; l > 0; l-- {
		shift := l * slotBits
		if w.now&(1<<shift-1) != 0 {
			continue
		}
		head := &w.slot[l][w.now>>shift%slots]
		for e := head.next; e != head; e = head.next {
			w.Remove(e)
			w.insert(e, e.tick)
		}
	}
}

// expire empties the present slot of level 0. Nothing is added to it meanwhile,
// since Schedule is always ahead of the present.
func (w *Wheel[T]) expire(now time.Duration, expired func(T)) (n int) {
	head := &w.slot[0][w.now%slots]
	for e := head.next; e != head; e = head.next {
		w.Remove(e)
		at, ok := w.deadline(e.Value)
		switch {
		case !ok:
		case at > now:
			w.Schedule(e, at)
		default:
			n++
			expired(e.Value)
		}
	}
	return n
}

// insert links e for a tick that is not before the present one.
func (w *Wheel[T]) insert(e *Entry[T], tick uint64) {
	l := 0
	if diff := tick ^ w.now; diff != 0 {
		l = (bits.Len64(diff) - 1) / slotBits
	}
	s := tick >> (l * slotBits) % slots
	e.tick, e.level, e.slot = tick, uint8(l), uint8(s)
	head := &w.slot[l][s]
	e.prev, e.next = head.prev, head
	head.prev.next, head.prev = e, e
	w.used[l] |= 1 << s
	w.count++
}

// ceil is the first tick that is not before t.
func (w *Wheel[T]) ceil(t time.Duration) uint64 {
	if t <= 0 {
		return 0
	}
	n := uint64(t / w.tick)
	if t%w.tick != 0 {
		n++
	}
	return n
}
