package kernel

import (
	"github.com/netcore-go/netcore/kernel/internal/queue"
	"github.com/netcore-go/netcore/sdk/link"
)

// maxContext bounds what the context of one connection holds, in bytes.
const maxContext = 256 << 10

// fromHandler acts on a frame of a handler plugin. raw is its encoding.
func (k *Kernel) fromHandler(r *reader, f *link.Frame, raw []byte) error {
	in, t := r.in, &r.turn
	switch f.Kind {
	case link.Data, link.Ack, link.Close, link.Unbind, link.Context:
	case link.Room:
		t.release()
		return k.room(r, f)
	default:
		return violation(f, "a handler does not send it")
	}
	c := k.conns.Get(f.Conn)
	if c == nil {
		in.stale.Add(1)
		return nil
	}
	t.lock(c)
	if !c.bound(in, f.Epoch) {
		in.stale.Add(1)
		return nil
	}
	switch f.Kind {
	case link.Data:
		return k.dataOut(t, c, f, raw)
	case link.Ack:
		return k.ackIn(t, c, f, int(f.N), int(f.Aux), f.Flags&link.Done != 0)
	case link.Close:
		k.end(t, c, f.N)
	case link.Unbind:
		k.unbound(t, c)
	case link.Context:
		return k.setContext(c, f)
	}
	return nil
}

// ackIn notes that the handler is done with messages. c.mu is held.
func (k *Kernel) ackIn(t *turn, c *conn, f *link.Frame, messages, bytes int, replied bool) error {
	if messages > c.given.messages {
		return violation(f, "acknowledges %d messages of %d", messages, c.given.messages)
	}
	// The protocol's window must open by what it was shut by, whatever the
	// handler says.
	bytes = min(max(bytes, 0), c.given.bytes)
	if messages == c.given.messages && !c.midway {
		bytes = c.given.bytes
	}
	c.given.sub(messages, bytes)
	k.ackProtocol(t, c, messages, bytes, f.Stream, replied)
	k.leaveWhenIdle(t, c)
	return nil
}

// dataOut queues a part of a handler's message for the client. c.mu is held.
func (k *Kernel) dataOut(t *turn, c *conn, f *link.Frame, raw []byte) error {
	starts, ends := !c.outMidway, f.Flags&link.More == 0
	if f.Flags&link.Acked != 0 {
		if err := k.ackIn(t, c, f, 1, int(f.Aux), false); err != nil {
			return err
		}
	}
	blocks := c.l.QueuePolicy == QueueBlock
	if starts {
		if blocks && c.uncredited.shut() {
			return violation(f, "%d messages and %d bytes are outstanding", c.uncredited.messages, c.uncredited.bytes)
		}
		c.dropping = c.closing || c.broken || !blocks && k.full(t, c)
	}
	c.outMidway = !ends
	if blocks {
		c.uncredited.add(b2i(ends), len(f.Payload))
	}
	credit := len(f.Payload)
	if c.dropping || !blocks {
		k.openHandlerWindow(t, c, b2i(ends), len(f.Payload))
		credit = queue.NoCredit
	}
	if c.dropping {
		return nil
	}
	link.SetFlags(raw, f.Flags&link.More)
	link.SetAux(raw, 0)
	c.out.Push(raw, ends, credit)
	if ends {
		c.pushAside()
		k.pump(t, c)
	}
	return nil
}

// full applies the queue policy: it reports whether a message is to be dropped.
// c.mu is held.
func (k *Kernel) full(t *turn, c *conn) bool {
	if c.out.Bytes() < c.l.Limits.QueueBytes {
		return false
	}
	if c.l.QueuePolicy == QueueClose {
		k.abort(t, c, link.CauseOverflow)
		return true
	}
	c.l.stats.dropped.Add(1)
	return true
}

// setContext keeps a value with the connection. c.mu is held.
func (k *Kernel) setContext(c *conn, f *link.Frame) error {
	key, value, _, err := link.NextHeader(f.Headers)
	if err != nil {
		return err
	}
	old, had := c.context[string(key)]
	size := c.contextSize + len(value) - len(old)
	if !had {
		size += len(key)
	}
	switch {
	case len(value) == 0 && had:
		c.contextSize -= len(key) + len(old)
		delete(c.context, string(key))
	case len(value) == 0:
	case size > maxContext:
		return violation(f, "context of %d bytes, at most %d fit", size, maxContext)
	default:
		if c.context == nil {
			c.context = make(map[string][]byte, 2)
		}
		c.context[string(key)] = append([]byte(nil), value...)
		c.contextSize = size
	}
	return nil
}
