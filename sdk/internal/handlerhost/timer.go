package handlerhost

import (
	"time"

	"github.com/netcore-go/netcore/sdk"
)

// A timer waits for its connection's turn. It is known by its address, since
// the time.Timer may fire before it is there.
type timer struct{ *time.Timer }

// AfterFunc runs f after d, at conn's turn.
func (h *Host) AfterFunc(conn sdk.Connection, d time.Duration, f func(sdk.Connection)) {
	if c := h.own(conn); c != nil {
		c.after(d, f)
	}
}

func (c *conn) after(d time.Duration, f func(sdk.Connection)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == ended || c.state == moved {
		return
	}
	if c.timers == nil {
		c.timers = make(map[*timer]struct{})
	}
	t := new(timer)
	t.Timer = time.AfterFunc(d, func() { c.fire(t, f) })
	c.timers[t] = struct{}{}
}

// fire queues f, or runs it if the handler is inline.
func (c *conn) fire(t *timer, f func(sdk.Connection)) {
	h := c.host
	c.mu.Lock()
	_, ok := c.timers[t]
	delete(c.timers, t)
	c.mu.Unlock()
	if !ok {
		return // stopped too late
	}
	if !h.inline {
		it := newItem(itemTimer)
		it.f = f
		c.enqueue(it)
		return
	}
	h.turn.Lock()
	h.timer(c, f)
	h.turn.Unlock()
	h.out.flushNow()
}
