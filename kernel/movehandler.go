package kernel

import (
	"context"
	"time"
)

// moveHandler takes the connections of a handler instance to its successor, each
// as soon as it has nothing unacknowledged, until none is left, ctx ends, or
// one of the two has died.
func (k *Kernel) moveHandler(ctx context.Context, from, to *instance) {
	pass := time.NewTicker(movePass)
	defer pass.Stop()
	for {
		k.holdAll(from, to)
		if from.conns.Load() == 0 || from.dead.Load() || to.dead.Load() {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-from.emptied:
		case <-pass.C: // some may have been bound to it meanwhile
		}
	}
}

func (k *Kernel) holdAll(from, to *instance) {
	t := newTurn()
	k.conns.All(func(_ uint64, c *conn) bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.handler == from && c.bond == bondBound {
			c.bond, c.moveTo, c.stoodSince = bondHolding, to, t.now
			k.leaveWhenIdle(t, c)
		}
		return true
	})
	t.flush()
}

// unholdAll lets a handler go on with the connections that have not left it,
// because the move ends.
func (k *Kernel) unholdAll(from *instance) {
	t := newTurn()
	k.conns.All(func(_ uint64, c *conn) bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.handler == from && c.bond == bondHolding {
			c.bond, c.moveTo = bondBound, nil
			k.giveHeld(t, c)
		}
		return true
	})
	t.flush()
}
