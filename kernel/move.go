package kernel

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/netcore-go/netcore/sdk/link"
)

const (
	// maxMoving bounds the connections that stand still at once in a move.
	maxMoving = 128
	// answerTimeout is how long a plugin may take to answer PREPARE or OFFER.
	answerTimeout = 2 * time.Second
	// movePass is the pause before those that could not move are tried again.
	movePass = 20 * time.Millisecond
)

// A move takes the connections of one protocol instance to its successor.
type move struct {
	from, to *instance
	wake     chan struct{} // capacity 1: something below has changed

	mu     sync.Mutex // guards the fields below; taken after a connection's mu
	over   bool       // nothing is offered any more
	rested []*conn    // PREPARED, to be offered
	moving map[*conn]time.Time
	moved  int
	why    string // why a connection was refused
}

func newMove(from, to *instance) *move {
	return &move{from: from, to: to, wake: make(chan struct{}, 1), moving: make(map[*conn]time.Time)}
}

func (m *move) signal() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// atRest is told of a connection that its owner has let go of, and reports
// whether it will be offered. c.mu is held.
func (m *move) atRest(c *conn) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.over {
		return false
	}
	m.rested = append(m.rested, c)
	m.signal()
	return true
}

// finish is told of a connection that is no longer between two instances. c.mu is held.
func (m *move) finish(c *conn, now int64, moved bool) {
	m.mu.Lock()
	delete(m.moving, c)
	if moved {
		m.moved++
		m.from.pauses.add(time.Duration(now - c.stoodSince))
	}
	m.mu.Unlock()
	c.move = nil
	m.signal()
}

func (m *move) refused(why string) {
	m.mu.Lock()
	m.why = why
	m.mu.Unlock()
}

// hopeless says why the successor refuses what it is offered, if it has taken
// nothing.
func (m *move) hopeless() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.moved > 0 {
		return ""
	}
	return m.why
}

// moveProtocol moves all connections of m.from that can move, again and again,
// until none is left, ctx ends, or one of the two has died.
func (k *Kernel) moveProtocol(ctx context.Context, m *move) {
	pass := time.NewTimer(0)
	defer pass.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-pass.C:
		case <-m.from.emptied:
		}
		if !k.movePassOnce(ctx, m) || m.from.conns.Load() == 0 {
			return
		}
		if why := m.hopeless(); why != "" {
			m.to.fail("it does not adopt connections: " + why) // the next pass sees it dead
		}
		pass.Reset(movePass)
	}
}

// movePassOnce moves each connection of m.from once. It reports whether the move
// can go on.
func (k *Kernel) movePassOnce(ctx context.Context, m *move) bool {
	ok := true
	k.conns.All(func(_ uint64, c *conn) bool {
		if ok = ctx.Err() == nil && k.roomToMove(m, maxMoving); ok {
			t := newTurn()
			k.prepare(t, m, c)
			t.flush()
		}
		return ok
	})
	// Those that stand still are not left so: both answer soon, or hang.
	return k.roomToMove(m, 1) && ok
}

// prepare asks the owner to let go of c.
func (k *Kernel) prepare(t *turn, m *move, c *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.owner != m.from || c.tie != tieServing || c.closing {
		return
	}
	c.tie, c.move, c.stoodSince = tieLeaving, m, t.now
	m.mu.Lock()
	m.moving[c] = time.Now()
	m.mu.Unlock()
	t.append(m.from, &link.Frame{Kind: link.Prepare, Conn: c.id, Epoch: c.epoch})
}

// roomToMove offers what is at rest and waits until fewer than limit
// connections stand still. It reports whether the move can go on.
func (k *Kernel) roomToMove(m *move, limit int) bool {
	deadline := time.NewTimer(answerTimeout)
	defer deadline.Stop()
	for {
		k.offerRested(m)
		if m.from.dead.Load() || m.to.dead.Load() {
			return false
		}
		m.mu.Lock()
		n := len(m.moving)
		m.mu.Unlock()
		if n < limit {
			return true
		}
		select {
		case <-m.wake:
		case <-deadline.C:
			k.blameLate(m)
			deadline.Reset(answerTimeout)
		}
	}
}

func (k *Kernel) offerRested(m *move) {
	m.mu.Lock()
	rested := m.rested
	m.rested = nil
	m.mu.Unlock()
	k.handAll(rested, m.to)
}

// blameLate ends the instance that has not answered for a connection in time.
func (k *Kernel) blameLate(m *move) {
	limit := time.Now().Add(-answerTimeout)
	m.mu.Lock()
	var late *conn
	for c, since := range m.moving {
		if since.Before(limit) {
			late = c
			break
		}
	}
	m.mu.Unlock()
	if late == nil {
		return
	}
	late.mu.Lock()
	if late.move != m {
		late.mu.Unlock()
		return // it has just answered
	}
	in, asked := m.from, link.Prepare
	if late.tie == tieOffered {
		in, asked = m.to, link.Offer
	}
	late.mu.Unlock()
	in.fail(fmt.Sprintf("no answer to %v of connection %s for %v", asked, link.FormatID(late.id), answerTimeout))
}

// abandon gives back what stands still to m.from, because the move ends before
// all have moved. Connections that m.to has keep to it.
func (k *Kernel) abandon(m *move) {
	m.mu.Lock()
	m.over = true
	standing := make([]*conn, 0, len(m.moving))
	for c := range m.moving {
		standing = append(standing, c)
	}
	m.mu.Unlock()
	t := newTurn()
	for _, c := range standing {
		c.mu.Lock()
		// If m.from is dead, orphan looks after those that it has left at rest.
		if c.move == m && c.tie == tieOffered && c.owner == m.from && !m.from.dead.Load() {
			c.offerTo = nil
			k.resume(t, c)
		}
		c.mu.Unlock()
	}
	t.flush()
}
