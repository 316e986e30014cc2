package streamhost

import (
	"fmt"

	"github.com/netcore-go/netcore/sdk/link"
)

// Handle acts on one frame. An error is a violation of the contract by the
// kernel.
func (h *Host) Handle(f *link.Frame) error {
	switch f.Kind {
	case link.Data, link.Ack, link.Close, link.Prepare, link.Commit, link.Resume, link.Release:
		h.dispatch(f)
		return nil
	case link.Open:
		h.release()
		return h.open(f)
	case link.Offer:
		h.release()
		return h.offer(f)
	}
	return fmt.Errorf("%v is not for a stream protocol", f.Kind)
}

// dispatch acts on a frame of a connection that the host should hold. A frame
// that is late, or that the connection's phase does not allow, is dropped.
func (h *Host) dispatch(f *link.Frame) {
	c := h.find(f.Conn)
	if c == nil {
		h.stale.Add(1)
		return
	}
	h.lock(c)
	fits := c.phase != gone && (f.Epoch == c.epoch || f.Kind == link.Resume)
	if !fits || !c.actLocked(&h.work, f) {
		h.stale.Add(1)
	}
}

// lock locks c until another connection is locked, or release: frames of one
// connection mostly follow one another.
func (h *Host) lock(c *conn) {
	if h.held == c {
		return
	}
	h.release()
	c.mu.Lock()
	h.held = c
}

// release lets go of what lock has locked.
func (h *Host) release() {
	if h.held != nil {
		h.held.mu.Unlock()
		h.held = nil
	}
}

// actLocked acts on f, and reports whether the phase allows it.
func (c *conn) actLocked(w *worker, f *link.Frame) bool {
	switch f.Kind {
	case link.Data:
		if c.phase != serving {
			return false
		}
		c.dataLocked(w, f)
		c.host.markDirty(c)
	case link.Ack:
		c.acknowledgeLocked(f.N, f.Aux)
		if c.phase != serving {
			return true
		}
		if f.Flags&link.Done != 0 && c.host.streams {
			c.endReplyLocked(w, f.Stream)
			c.host.markDirty(c)
		}
		if c.stopped {
			c.host.markWoken(c)
		}
	case link.Close:
		return c.closeLocked(w, f)
	case link.Prepare:
		return c.prepareLocked(w)
	case link.Commit:
		return c.commitLocked()
	case link.Resume:
		return c.goOnLocked(f.Epoch)
	case link.Release:
		return c.releaseLocked()
	}
	return true
}

// markDirty has EndBatch write what the connection has to write.
func (h *Host) markDirty(c *conn) {
	if !c.isDirty {
		c.isDirty = true
		h.dirty = append(h.dirty, c)
	}
}

// markWoken has EndBatch go on decoding.
func (h *Host) markWoken(c *conn) {
	if !c.isWoken {
		c.isWoken = true
		h.woken = append(h.woken, c)
	}
}

// EndBatch writes each connection that got something to write, once, goes on
// with those whose window has opened, and flushes the link.
func (h *Host) EndBatch() {
	h.release()
	for i, c := range h.dirty {
		h.dirty[i] = nil
		c.mu.Lock()
		c.isDirty = false
		if !c.waiting {
			c.flushLocked(&h.work)
		}
		c.mu.Unlock()
	}
	h.dirty = h.dirty[:0]
	if len(h.woken) > 0 {
		h.work.now = h.clock()
	}
	for i, c := range h.woken {
		h.woken[i] = nil
		c.mu.Lock()
		c.isWoken = false
		c.resumeLocked(&h.work)
		c.mu.Unlock()
	}
	h.woken = h.woken[:0]
	h.last = nil
	h.settle(&h.work)
}
