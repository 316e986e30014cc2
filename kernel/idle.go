package kernel

import (
	"sync"
	"time"

	"github.com/netcore-go/netcore/kernel/internal/sockstat"
	"github.com/netcore-go/netcore/kernel/internal/wheel"
	"github.com/netcore-go/netcore/sdk/link"
)

// idleTick is the resolution of idle timeouts.
const idleTick = 100 * time.Millisecond

// idle finds connections on which nothing has happened for too long, and closes
// that take too long.
type idle struct {
	start time.Time

	mu    sync.Mutex // guards the field below; taken after a connection's mu
	wheel *wheel.Wheel[*conn]
}

func newIdle(start time.Time) *idle {
	i := &idle{start: start}
	i.wheel = wheel.New(idleTick, 0, i.deadline)
	return i
}

// deadline is when c is overdue, as a duration since start. It is called with
// i.mu held, so it looks at what needs no lock only.
func (i *idle) deadline(c *conn) (time.Duration, bool) {
	if by := c.closeBy.Load(); by > 0 {
		return time.Duration(by - i.start.UnixNano()), true
	}
	timeout := c.l.Limits.IdleTimeout
	if timeout <= 0 {
		return 0, false
	}
	return time.Duration(c.active.Load()-i.start.UnixNano()) + timeout, true
}

func (i *idle) add(c *conn) {
	c.entry.Value = c
	if at, ok := i.deadline(c); ok {
		i.mu.Lock()
		i.wheel.Schedule(&c.entry, at)
		i.mu.Unlock()
	}
}

func (i *idle) remove(c *conn) {
	i.mu.Lock()
	i.wheel.Remove(&c.entry)
	i.mu.Unlock()
}

// advance returns the connections that are overdue.
func (i *idle) advance(now time.Time) (overdue []*conn) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.wheel.Advance(now.Sub(i.start), func(c *conn) { overdue = append(overdue, c) })
	return overdue
}

// closeBy gives the close of c a deadline. c.mu is held.
func (k *Kernel) closeBy(c *conn, now int64) {
	c.closeBy.Store(now + int64(closeTimeout))
	k.idle.remove(c)
	k.idle.add(c)
}

// expire ends the connections that are overdue.
func (k *Kernel) expire(now time.Time) {
	t := newTurn()
	for _, c := range k.idle.advance(now) {
		c.mu.Lock()
		at, due := k.idle.deadline(c)
		switch {
		case c.forgotten || !due:
		case at > now.Sub(k.idle.start):
			k.idle.add(c) // something has happened since it was found
		case c.closeBy.Load() == 0:
			k.end(t, c, link.CauseIdle)
		case c.fd >= 0:
			// The plugin sees the end of the socket, whatever it waits for.
			_ = sockstat.ShutdownBoth(c.fd)
			k.drop(t, c, link.CauseTimeout)
		default:
			k.drop(t, c, link.CauseTimeout)
		}
		c.mu.Unlock()
	}
	t.flush()
}
