package streamhost

import (
	"sync"
	"sync/atomic"
)

// linkBudget bounds the bytes that all connections of a link together have with
// the kernel, whatever windows it grants.
const linkBudget = 64 << 20

// A budget counts the bytes that are with the kernel. When they exceed the limit
// all connections stop decoding until they are below three quarters of it.
type budget struct {
	limit int64
	used  atomic.Int64
	shut  atomic.Bool
	// waiting is len(starved), to be read without the lock.
	waiting atomic.Int32

	mu      sync.Mutex // guards the field below
	starved []*conn    // stopped because of the budget
}

// low is where a shut budget opens again.
func (b *budget) low() int64 { return b.limit / 4 * 3 }

func (b *budget) take(n int64) {
	if b.used.Add(n) <= b.limit {
		return
	}
	b.shut.Store(true)
	// All of it may have been given back before the line above; no give would
	// open the budget then.
	if b.used.Load() < b.low() {
		b.shut.Store(false)
	}
}

func (b *budget) give(n int64) {
	if n != 0 && b.used.Add(-n) < b.low() && b.shut.Load() {
		b.shut.Store(false)
	}
}

// starve remembers that c waits for the budget. Whoever calls it calls settle
// afterwards: the budget may have opened meanwhile.
func (b *budget) starve(c *conn) {
	b.mu.Lock()
	b.starved = append(b.starved, c)
	b.waiting.Store(int32(len(b.starved)))
	b.mu.Unlock()
}

// relieved returns the connections that need wait no longer.
func (b *budget) relieved() []*conn {
	if b.waiting.Load() == 0 || b.shut.Load() {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	starved := b.starved
	b.starved = nil
	b.waiting.Store(0)
	return starved
}
