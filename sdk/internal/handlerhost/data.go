package handlerhost

import (
	"fmt"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/link"
)

// maxMessage bounds a message put together from chunks, in bytes. The kernel's
// windows and the protocols' limits are far below.
const maxMessage = 64 << 20

// data takes a chunk of a message. A whole message goes on to an inline handler
// as it is in the batch, all others are copied.
func (h *shard) data(c *conn, f *link.Frame) error {
	it := c.parts[f.Stream]
	if it == nil {
		headers, err := link.Headers(f.Headers)
		if err != nil {
			return fmt.Errorf("message of connection %s: %w", c.ID(), err)
		}
		if h.inline && f.Flags&link.More == 0 {
			m := sdk.Message{Type: sdk.MessageType(f.Type), Data: f.Payload, Timestamp: h.now, Headers: headers}
			h.message(c, m.WithStream(f.Stream), uint64(len(f.Payload)))
			return nil
		}
		it = newItem(itemMessage)
		it.stream, it.at = f.Stream, h.now
		it.typ, it.headers = sdk.MessageType(f.Type), headers
	}
	it.add(f.Payload)
	if f.Flags&link.More != 0 {
		if c.parts == nil {
			c.parts = make(map[uint64]*item)
		}
		c.parts[f.Stream] = it
		return nil
	}
	if c.parts != nil {
		delete(c.parts, f.Stream)
	}
	h.submit(c, it)
	return nil
}

// submit has it run in c's order.
func (h *shard) submit(c *conn, it *item) {
	if h.inline {
		h.do(c, it)
		return
	}
	c.enqueue(it)
}

// do runs it and gives it back.
func (h *shard) do(c *conn, it *item) {
	switch it.kind {
	case itemMessage:
		h.whole(c, it)
	case itemBind:
		h.arrived(c, it.flags, it.lost)
		c.setOpened()
	case itemUnbind:
		h.unbound(c, it)
	case itemTimer:
		h.timer(c, it.f)
	}
	h.out.flush()
	it.free()
}

// whole handles a message that was copied.
func (h *shard) whole(c *conn, it *item) {
	if it.size > maxMessage {
		_ = c.close(link.CauseTooLarge) // ErrMoved: it is another's now
		f := c.ack(it.stream, it.size)
		h.out.append(&f)
		return
	}
	m := sdk.Message{Type: it.typ, Data: it.buf, Timestamp: it.at, Headers: it.headers}
	h.message(c, m.WithStream(it.stream), it.size)
}
