package handlerhost

import (
	"fmt"
	"unique"

	"google.golang.org/protobuf/proto"

	"github.com/netcore-go/netcore/sdk/link"
	pb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// bind takes a connection in.
func (h *shard) bind(f *link.Frame) error {
	var b pb.Binding
	if err := proto.Unmarshal(f.Payload, &b); err != nil {
		return fmt.Errorf("binding of connection %s: %w", link.FormatID(f.Conn), err)
	}
	c := &conn{
		host: h, number: f.Conn, epoch: f.Epoch,
		windowMessages: b.WindowMessages, windowBytes: b.WindowBytes,
		local: unique.Make(b.Local).Value(), remote: b.Remote, // a listener's connections share local
	}
	c.main.conn = c
	c.mu = &c.own
	if h.inline {
		c.mu = &h.out.mu
	}
	c.restore(b.Context)
	h.mu.Lock()
	if old := h.conns[f.Conn]; old != nil {
		h.mu.Unlock()
		return fmt.Errorf("connection %s of epoch %d bound again as %d", link.FormatID(f.Conn), old.epoch, f.Epoch)
	}
	h.conns[f.Conn] = c
	h.mu.Unlock()

	if f.Flags&(link.Moved|link.Resumed) != 0 && h.mover == nil && (h.resumer == nil || f.Flags&link.Resumed == 0) {
		c.opened = true // nobody to tell; nobody else knows c yet
		return nil
	}
	it := newItem(itemBind)
	it.flags, it.lost = f.Flags, b.Lost
	h.submit(c, it)
	return nil
}

// unbind lets a connection go, behind all that came before.
func (h *shard) unbind(c *conn, f *link.Frame) {
	if f.Flags&link.Moved == 0 {
		// Whoever waits in Send holds up the queue that OnDisconnect is in.
		c.mu.Lock()
		c.endLocked(ended)
		c.mu.Unlock()
	}
	it := newItem(itemUnbind)
	it.flags, it.cause = f.Flags, f.N
	h.submit(c, it)
}

// unbound is the end of a connection, in its order.
func (h *shard) unbound(c *conn, it *item) {
	h.out.drain()
	s := moved
	if it.flags&link.Moved == 0 {
		s = ended
		h.onDisconnect(c, it.cause)
	}
	c.mu.Lock()
	c.endLocked(s)
	c.done = true
	h.forget(c) // before the answer: after it the kernel may bind anew
	h.out.appendLocked(&link.Frame{Kind: link.Unbind, Conn: c.number, Epoch: c.epoch})
	c.mu.Unlock()
}

func (h *Host) forget(c *conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.conns[c.number] == c {
		delete(h.conns, c.number)
	}
}
