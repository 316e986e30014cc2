package kernel

import (
	"github.com/netcore-go/netcore/sdk/link"
)

// fromProtocol acts on a frame of a protocol plugin. raw is its encoding.
func (k *Kernel) fromProtocol(t *turn, in *instance, f *link.Frame, raw []byte) error {
	switch f.Kind {
	case link.Ready:
		t.release()
		return k.answered(t, in, f)
	case link.OpenRequest:
		t.release()
		return k.openRequest(t, in, f)
	case link.Data, link.Written, link.State, link.Close, link.Prepared:
	default:
		return violation(f, "a protocol plugin does not send it")
	}
	c := k.conns.Get(f.Conn)
	if c == nil {
		in.stale.Add(1)
		return nil
	}
	t.lock(c)
	if !c.served(in, f.Epoch) {
		in.stale.Add(1)
		return nil
	}
	c.opened = true
	switch f.Kind {
	case link.Data:
		return k.dataIn(t, c, f, raw)
	case link.Written:
		return k.written(t, c, f)
	case link.State:
		c.end, c.written, c.rest = f.Aux, f.Stream, nil
		c.state = append(c.state[:0], f.Payload...)
		t.done.alive = true
	case link.Close:
		return k.closeIn(t, c, f)
	case link.Prepared:
		return k.prepared(t, c, in, f)
	}
	return nil
}

// dataIn passes a part of a client's message to the handler, or holds it.
// c.mu is held.
func (k *Kernel) dataIn(t *turn, c *conn, f *link.Frame, raw []byte) error {
	starts, ends := !c.inMidway, f.Flags&link.More == 0
	if starts && c.in.shut() {
		return violation(f, "%d messages and %d bytes are outstanding", c.in.messages, c.in.bytes)
	}
	c.inMidway = !ends
	c.in.add(0, len(f.Payload))
	if c.in.bytes > windowBytes+maxMessage {
		return violation(f, "a message of more than %d bytes", maxMessage)
	}
	if ends {
		c.in.messages++
		c.received++
		t.done.received++
		t.done.bytesIn += advance(c.end, f.Aux)
		c.end, c.rest = f.Aux, nil
	}
	switch {
	case c.skip || c.ending():
		c.dropped.add(b2i(ends), len(f.Payload))
		if ends {
			c.skip = false
			k.ackProtocol(t, c, c.dropped.messages, c.dropped.bytes, f.Stream, false)
			c.dropped = window{}
		}
	case c.bond == bondBound, c.midway:
		link.SetEpoch(raw, c.bindEpoch)
		link.SetFlags(raw, f.Flags&link.More)
		t.raw(c.handler, raw)
		c.given.add(b2i(ends), len(f.Payload))
		c.midway = !ends
	default:
		c.held = append(c.held, raw...)
	}
	return nil
}

// ackProtocol notes that messages are done, and opens the plugin's window if so
// much has gathered, or the reply of a stream has ended. c.mu is held.
func (k *Kernel) ackProtocol(t *turn, c *conn, messages, bytes int, stream uint64, replied bool) {
	c.in.sub(messages, bytes)
	if replied {
		// Behind the reply's messages, which may still be waiting.
		end := link.Frame{Kind: link.Ack, Flags: link.Done, Conn: c.id, Stream: stream, N: uint32(messages), Aux: uint64(bytes)}
		k.note(t, c, &end)
		return
	}
	c.acked.add(messages, bytes)
	if c.tie == tieServing && c.ackDue() {
		t.append(c.owner, &link.Frame{Kind: link.Ack, Conn: c.id, Epoch: c.epoch, N: uint32(c.acked.messages), Aux: uint64(c.acked.bytes)})
		c.acked = window{}
	}
}

// ackShare bounds what an instance has not been told to be done, in bytes over
// all its connections. A plugin may bound what those have outstanding together;
// if each quiet one kept a quarter of its window, that bound would shut for ever.
const ackShare = 4 << 20

// ackDue reports whether the owner is to be told what is done. c.mu is held.
func (c *conn) ackDue() bool {
	return c.acked.quarter() || int64(c.acked.bytes)*c.owner.conns.Load() >= ackShare
}

// note passes a frame to the owner in the order of the client's messages.
// c.mu is held.
func (k *Kernel) note(t *turn, c *conn, f *link.Frame) {
	if c.closing || c.broken {
		return
	}
	var buf [2 * link.HeaderSize]byte
	raw := link.AppendFrame(buf[:0], f)
	if c.out.Arriving() {
		c.aside = append(c.aside, raw...)
		return
	}
	c.out.PushNote(raw)
	c.noted.add(int(f.N), int(f.Aux))
	k.pump(t, c)
}

// denote takes a note that is handed on off what the owner is still to be told.
// c.mu is held.
func (c *conn) denote(raw []byte) {
	if link.KindOf(raw) == link.Ack {
		var f link.Frame
		if _, err := link.Next(raw, &f); err == nil { // it is the kernel's own
			c.noted.sub(int(f.N), int(f.Aux))
		}
	}
}

// written notes what has reached the client's socket. c.mu is held.
func (k *Kernel) written(t *turn, c *conn, f *link.Frame) error {
	if c.broken {
		return k.writtenLate(t, c, f)
	}
	done, ok := c.out.Written(int(f.N))
	if !ok {
		n, _ := c.out.Outstanding()
		return violation(f, "%d messages of %d", f.N, n)
	}
	c.sent += int64(done.Messages)
	t.wrote(int64(done.Messages), advance(c.written, f.Aux))
	c.written = f.Aux
	k.openHandlerWindow(t, c, done.Credit, done.CreditBytes)
	k.pump(t, c)
	return nil
}

// writtenLate is written for a connection whose queue was dropped while the
// owner was writing. c.mu is held.
func (k *Kernel) writtenLate(t *turn, c *conn, f *link.Frame) error {
	if int64(f.N) > int64(c.cut) {
		return violation(f, "%d messages of %d", f.N, c.cut)
	}
	c.cut -= int(f.N)
	c.sent += int64(f.N)
	t.wrote(int64(f.N), advance(c.written, f.Aux))
	c.written = f.Aux
	return nil
}

// openHandlerWindow notes that messages of the handler have left its window, and
// tells it if so much has gathered. c.mu is held.
func (k *Kernel) openHandlerWindow(t *turn, c *conn, messages, bytes int) {
	c.uncredited.sub(messages, bytes)
	c.credit.add(messages, bytes)
	if c.credit.quarter() && (c.bond == bondBound || c.bond == bondHolding) {
		t.append(c.handler, &link.Frame{Kind: link.Written, Conn: c.id, Epoch: c.bindEpoch, N: uint32(c.credit.messages), Aux: uint64(c.credit.bytes)})
		c.credit = window{}
	}
}

// pump hands whole messages on to the protocol plugin, as far as its window is
// open. c.mu is held.
func (k *Kernel) pump(t *turn, c *conn) {
	if c.tie != tieServing || c.closeSent {
		return
	}
	for c.out.Pending() {
		messages, bytes := c.out.Outstanding()
		if messages >= windowMessages || bytes >= windowBytes {
			return
		}
		for end := false; !end; {
			var frame []byte
			frame, end = c.out.Next()
			link.SetEpoch(frame, c.epoch)
			t.raw(c.owner, frame)
			c.denote(frame)
		}
		c.out.Settle()
	}
	if c.ending() {
		k.progressEnd(t, c)
	}
}

// advance is how far an offset has moved, by its owner's word.
func advance(from, to uint64) int64 { return max(0, int64(to-from)) }

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
