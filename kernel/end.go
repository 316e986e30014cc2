package kernel

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/netcore-go/netcore/kernel/internal/sockstat"
	"github.com/netcore-go/netcore/sdk/link"
)

// closeTimeout is how long a protocol plugin may take to close a connection
// before the kernel shuts the socket down itself.
const closeTimeout = 10 * time.Second

// A connection ends in steps, which progressEnd takes as soon as each may be:
//
//	the client's input has ended ──▶ handler has acknowledged all ──▶ UNBIND ──▶ answered
//	                                                                               │
//	the handler or the kernel closes ─────▶ queue handed on ──▶ CLOSE ◀────────────┘
//	                                          (at once if broken)  │
//	                                                               ▼
//	forgotten ◀── UNBIND answered and CLOSE answered with DONE

// closeIn acts on CLOSE of the protocol plugin. c.mu is held.
func (k *Kernel) closeIn(t *turn, c *conn, f *link.Frame) error {
	gone := f.Flags&link.Done != 0
	if gone && c.tie == tieOffered {
		return violation(f, "it is at rest, and another instance's")
	}
	c.inputEnded = true
	c.done = c.done || gone
	if gone && c.move != nil {
		c.move.finish(c, t.now, false) // PREPARE will not be answered
	}
	if gone || f.N != link.CauseNone {
		k.drop(t, c, f.N)
		return nil
	}
	k.progressEnd(t, c)
	return nil
}

// end closes a connection in order: what is queued still goes out. c.mu is held.
func (k *Kernel) end(t *turn, c *conn, cause link.Cause) {
	if c.closing {
		return
	}
	c.closing = true
	c.blame(cause)
	k.closeBy(c, t.now)
	k.progressEnd(t, c)
}

// abort closes a connection at once. c.mu is held.
func (k *Kernel) abort(t *turn, c *conn, cause link.Cause) {
	if c.broken {
		return
	}
	k.closeBy(c, t.now)
	k.drop(t, c, cause)
}

// drop ends a connection whose client can be written to no more. c.mu is held.
func (k *Kernel) drop(t *turn, c *conn, cause link.Cause) {
	c.blame(cause)
	if !c.broken {
		c.cut, _ = c.out.Outstanding()
	}
	c.broken, c.closing = true, true
	c.dropping = true // the rest of a message that is arriving, too
	done := c.out.Drop()
	c.aside = nil
	k.openHandlerWindow(t, c, done.Credit, done.CreditBytes)
	k.progressEnd(t, c)
}

// blame notes the first cause of the end.
func (c *conn) blame(cause link.Cause) {
	if c.cause == link.CauseNone {
		c.cause = cause
	}
}

// progressEnd takes the steps towards the end that may be taken now. c.mu is held.
func (k *Kernel) progressEnd(t *turn, c *conn) {
	k.endHandler(t, c)
	if c.inputEnded && c.bond == bondGone {
		c.closing = true // all that the client asked has been answered
	}
	if c.closing {
		k.endProtocol(t, c)
	}
	if c.done {
		c.closeDescriptor()
	}
	if c.done && (c.bond == bondGone || c.bond == bondNone && (c.bindEpoch == 0 || !c.l.handlerSlot.hopeful())) {
		k.forget(c)
	}
}

// endHandler tells the handler of the end. c.mu is held.
func (k *Kernel) endHandler(t *turn, c *conn) {
	if c.bond != bondBound && c.bond != bondHolding {
		return // told already, or bind comes back here
	}
	if !c.closing && (c.given.messages > 0 || c.midway) {
		return // it may still answer
	}
	c.bond = bondEnded
	k.hub.LeaveAll(c.id) // what OnDisconnect tells a room is not for it
	t.append(c.handler, &link.Frame{Kind: link.Unbind, Conn: c.id, Epoch: c.bindEpoch, N: c.cause})
}

// endProtocol has the owner close the socket. c.mu is held.
func (k *Kernel) endProtocol(t *turn, c *conn) {
	if c.closeSent || c.done || !c.broken && c.out.Pending() {
		return
	}
	switch c.tie {
	case tieServing:
		flags := link.Flags(0)
		if c.broken {
			flags = link.Abort
		}
		c.closeSent = true
		k.closeBy(c, t.now)
		t.append(c.owner, &link.Frame{Kind: link.Close, Flags: flags, Conn: c.id, Epoch: c.epoch, N: c.cause})
	case tieNone:
		c.closeSent, c.done = true, true
		if c.fd >= 0 {
			// The peer may be gone already.
			_ = sockstat.ShutdownBoth(c.fd)
		}
	}
}

// forget is the end of a connection. c.mu is held.
func (k *Kernel) forget(c *conn) {
	if c.forgotten {
		return
	}
	c.forgotten = true
	if c.owner != nil {
		c.owner.unhold()
	}
	c.owner, c.tie = nil, tieNone
	if c.move != nil {
		c.move.finish(c, time.Now().UnixNano(), false)
	}
	c.unbind()
	c.bond = bondGone
	c.held, c.rest, c.state, c.context = nil, nil, nil, nil
	k.conns.Delete(c.id)
	k.hub.LeaveAll(c.id)
	k.idle.remove(c)
	k.admission.Release(c.l.index, sourceOf(c.remote))
	c.l.stats.ended(c.cause)
	k.closed[min(c.cause, link.CauseInternal)].Add(1)
}

// closeDescriptor closes the kernel's copy once nobody uses it. c.mu is held.
func (c *conn) closeDescriptor() {
	if c.fd < 0 || c.pins > 0 {
		return
	}
	if c.cause == link.CauseCrashed || c.cause == link.CauseOverflow || c.cause == link.CauseInternal {
		// Half a message may be on its way: the client must not take it for an end.
		_ = sockstat.Reset(c.fd)
	} else {
		// The kernel's copy is not polled; nothing can be done about an error.
		_ = unix.Close(c.fd)
	}
	c.fd = -1
}

// pin lends the descriptor for use without c.mu. c.mu is held.
func (c *conn) pin() int {
	c.pins++
	return c.fd
}

// unpin ends a pin. c.mu is held.
func (c *conn) unpin() {
	c.pins--
	if c.done {
		c.closeDescriptor()
	}
}
