package load

import "sync/atomic"

// A window is the outstanding requests of one connection.
//
//	  base              high     next
//	   │                 │        │
//	───▼──┬────┬─────────▼────────▼───▶ sequence numbers
//	 none │done│ none      none
//
// One goroutine pushes, and one takes; they may be the same.
type window struct {
	slots []slot        // a ring, a power of two long
	depth uint64        // how far next may be ahead of base
	base  atomic.Uint64 // the oldest request without a reply; the taker's
	next  atomic.Uint64 // the next request; the pusher's
	high  uint64        // one past the latest request with a reply; the taker's
}

// A slot belongs to the pusher until next has passed it, and then to the taker
// until base has.
type slot struct {
	start int64 // when latency begins
	done  bool  // the reply is there
}

// A verdict says what a reply is.
type verdict int

const (
	inOrder verdict = iota // not earlier than any reply before
	late                   // a later request was answered before
	again                  // the request was answered before
	never                  // no such request was sent
)

func newWindow(depth int) *window {
	n := 1
	for n < depth {
		n *= 2
	}
	return &window{slots: make([]slot, n), depth: uint64(depth)}
}

func (w *window) slot(seq uint64) *slot { return &w.slots[seq&uint64(len(w.slots)-1)] }

// room reports whether another request may be sent.
func (w *window) room() bool { return w.next.Load()-w.base.Load() < w.depth }

// open reports whether any request is without a reply.
func (w *window) open() bool { return w.next.Load() != w.base.Load() }

// push enters a request and returns its sequence number. There must be room.
func (w *window) push(start int64) uint64 {
	seq := w.next.Load()
	*w.slot(seq) = slot{start: start}
	w.next.Store(seq + 1)
	return seq
}

// take enters a reply whose sequence number has these low bits.
func (w *window) take(seq uint64, bits uint) (start int64, v verdict) {
	base := w.base.Load()
	ahead := low(seq-base, bits)
	if ahead >= w.next.Load()-base {
		if ahead >= 1<<(bits-1) && base > 0 {
			return 0, again
		}
		return 0, never
	}
	seq = base + ahead
	s := w.slot(seq)
	if s.done {
		return 0, again
	}
	s.done = true
	start, v = s.start, late
	if seq >= w.high {
		w.high, v = seq+1, inOrder
	}
	w.advance()
	return start, v
}

// skip gives the oldest request up: something that is no reply came in its place.
func (w *window) skip() {
	if w.open() {
		w.slot(w.base.Load()).done = true
		w.high = max(w.high, w.base.Load()+1)
		w.advance()
	}
}

func (w *window) advance() {
	base, next := w.base.Load(), w.next.Load()
	for base != next && w.slot(base).done {
		base++
	}
	w.base.Store(base)
}

// lost counts the requests without a reply. The pusher must have ended.
func (w *window) lost() (n int64) {
	for seq := w.base.Load(); seq != w.next.Load(); seq++ {
		if !w.slot(seq).done {
			n++
		}
	}
	return n
}
