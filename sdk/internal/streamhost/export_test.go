package streamhost

import (
	"sync/atomic"
	"time"
	"unsafe"
)

// ConnSize is the size of a connection's struct, in bytes.
const ConnSize = unsafe.Sizeof(conn{})

// A FakeClock is a host's clock that moves when it is told to.
type FakeClock struct{ now atomic.Int64 }

// SetClock gives h a fake clock, before it serves anything.
func SetClock(h *Host) *FakeClock {
	c := &FakeClock{}
	c.now.Store(1)
	h.clock = c.now.Load
	return c
}

// Advance moves the clock of h and sweeps, as the sweeper would have.
func (c *FakeClock) Advance(h *Host, d time.Duration) {
	c.now.Add(int64(d))
	s := sweeper{}
	s.init()
	s.sweep(h)
}

// SetBudget changes h's limit for all its connections, before it serves any.
func SetBudget(h *Host, n int64) { h.budget.limit = n }

// BudgetUsed is how many bytes h takes to be with the kernel.
func BudgetUsed(h *Host) int64 { return h.budget.used.Load() }
