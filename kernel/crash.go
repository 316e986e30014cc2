package kernel

import (
	"go.uber.org/zap"

	"github.com/netcore-go/netcore/kernel/internal/sockstat"
	"github.com/netcore-go/netcore/sdk/link"
)

// orphan takes its connections from a dead protocol instance. Those that stand
// between two messages, by the socket's own counters, wait for a successor; the
// others are closed at once. The instance's process is known to be dead, and
// its link was read to the end.
func (k *Kernel) orphan(dead *instance) {
	t := newTurn()
	k.conns.All(func(_ uint64, c *conn) bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.offerTo == dead {
			k.unoffer(t, c, dead)
		} else if c.owner == dead {
			k.disown(t, c)
		}
		return true
	})
	t.flush()
}

// unoffer takes back a connection that was offered to a successor that died.
// c.mu is held.
func (k *Kernel) unoffer(t *turn, c *conn, dead *instance) {
	c.offerTo = nil
	if c.owner != nil && c.owner != dead {
		k.resume(t, c)
		return
	}
	c.tie = tieNone
	if c.move != nil {
		c.move.finish(c, t.now, false)
	}
}

// disown takes c from an owner that died. c.mu is held.
func (k *Kernel) disown(t *turn, c *conn) {
	c.owner.unhold()
	c.owner = nil
	if c.tie == tieOffered && c.offerTo != nil {
		return // at rest, and the successor's as soon as it answers
	}
	c.tie, c.closeSent = tieNone, false
	if c.move != nil {
		c.move.finish(c, t.now, false)
	}
	if c.done || c.broken {
		c.done = true
		k.progressEnd(t, c)
		return
	}
	if cause := c.survey(); cause != link.CauseNone {
		c.done = true
		k.drop(t, c, cause)
		return
	}
	c.out.Rewind()
	c.renote()
	k.progressEndIfEnding(t, c)
}

// survey asks the socket whether its dead owner left it between two messages.
// It returns why not. c.mu is held.
func (c *conn) survey() link.Cause {
	if c.fd < 0 {
		return link.CauseCrashed // a peer of a packet socket lived in its owner
	}
	n, err := sockstat.Read(c.fd)
	if err != nil {
		return link.CauseInternal
	}
	if n.Final {
		return link.CauseReset
	}
	if !c.opened && n.Consumed == 0 && n.Written == 0 {
		return link.CauseNone // its owner never came to it: it is opened anew
	}
	c.opened = true
	if c.inMidway || n.Consumed != c.end+uint64(len(c.rest)) || n.Written != c.written {
		return link.CauseCrashed
	}
	return link.CauseNone
}

// adopt hands the connections that no instance has to one that serves.
func (k *Kernel) adopt(to *instance) {
	var waiting []*conn
	k.conns.All(func(_ uint64, c *conn) bool {
		c.mu.Lock()
		if c.l.protocolSlot == to.slot && c.tie == tieNone && !c.done {
			waiting = append(waiting, c)
		}
		c.mu.Unlock()
		return true
	})
	k.handAll(waiting, to)
}

// bereave takes its connections from a dead handler instance. Messages that it
// had and did not acknowledge are lost; the connections wait for a successor.
func (k *Kernel) bereave(dead *instance) {
	t := newTurn()
	k.conns.All(func(_ uint64, c *conn) bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.handler != dead {
			return true
		}
		if c.bond == bondEnded {
			c.unbind()
			c.bond = bondGone
			k.progressEnd(t, c)
			return true
		}
		k.lose(t, c)
		return true
	})
	t.flush()
}

// lose takes c from a handler that died. c.mu is held.
func (k *Kernel) lose(t *turn, c *conn) {
	c.lost += c.given.messages + b2i(c.midway)
	given := c.given
	c.skip, c.midway, c.given = c.skip || c.midway, false, window{}
	if c.outMidway {
		c.out.Truncate()
		c.outMidway, c.dropping = false, false
		c.pushAside()
	}
	c.unbind()
	k.ackProtocol(t, c, given.messages, given.bytes, 0, false)
	k.pump(t, c)
	k.progressEndIfEnding(t, c)
}

// rebind binds the connections that no handler has to one that serves.
func (k *Kernel) rebind(to *instance) {
	t := newTurn()
	k.conns.All(func(_ uint64, c *conn) bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.l.handlerSlot == to.slot && to.slot.serving.Load() == to && c.bond == bondNone && !c.forgotten {
			k.rebindOne(t, c, to)
		}
		return true
	})
	t.flush()
}

// rebindOne binds c to the successor of a handler that died. c.mu is held.
func (k *Kernel) rebindOne(t *turn, c *conn, to *instance) {
	flags := link.Flags(0)
	if c.bindEpoch > 0 {
		flags = link.Resumed
	}
	closes := c.lost > 0 && c.l.OnHandlerLoss == LossClose && !to.resumes
	if closes {
		k.log.Info("connection closed: its handler died with messages", zap.String("connection", link.FormatID(c.id)), zap.Int("lost", c.lost))
	}
	k.bind(t, c, to, flags)
	if closes {
		k.end(t, c, link.CauseCrashed)
	}
}
