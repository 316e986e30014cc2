package sdktest

import (
	"bytes"

	"google.golang.org/protobuf/proto"

	"github.com/netcore-go/netcore/sdk/link"
	pb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// offsets reports whether the instance tells where in the byte stream it is.
func (in *Instance) offsets() bool { return in.kind == pb.Kind_KIND_STREAM_PROTOCOL }

// fromProtocolLocked acts on a frame of a protocol plugin.
func (k *Kernel) fromProtocolLocked(in *Instance, f *link.Frame) {
	switch f.Kind {
	case link.Ready:
		c := k.conns[f.Conn]
		if c == nil || c.offerTo != in || c.offerEpoch != f.Epoch {
			k.stale++
			return
		}
		c.answer = copyFrame(f)
		return
	case link.OpenRequest:
		k.openRequestLocked(in, f)
		return
	case link.Data, link.Written, link.State, link.Close, link.Prepared:
	default:
		k.violation(in, f, "a protocol plugin does not send it")
		return
	}
	c := k.conns[f.Conn]
	if c == nil || c.owner != in || c.epoch != f.Epoch {
		k.stale++
		return
	}
	if c.done > 0 {
		k.violation(in, f, "after CLOSE with DONE, the last frame")
	}
	c.opened = true
	if c.resting {
		k.violation(in, f, "after PREPARED, before RESUME")
	}
	switch f.Kind {
	case link.Data:
		c.dataLocked(in, f)
	case link.Written:
		c.writtenLocked(in, f)
	case link.State:
		c.moveOnLocked(in, f, f.Aux, f.Stream)
		c.state = bytes.Clone(f.Payload)
	case link.Close:
		c.closedLocked(f)
	case link.Prepared:
		c.preparedLocked(in, f)
	}
}

func copyFrame(f *link.Frame) *link.Frame {
	c := *f
	c.Payload, c.Headers = bytes.Clone(f.Payload), bytes.Clone(f.Headers)
	return &c
}

func (c *Conn) dataLocked(in *Instance, f *link.Frame) {
	if c.parts[f.Stream] == nil && (c.outMessages >= c.messages || c.outBytes >= c.bytes) {
		c.k.violation(in, f, "the window is shut: %d messages and %d bytes are outstanding", c.outMessages, c.outBytes)
	}
	c.outBytes += uint64(len(f.Payload))
	m, err := assemble(&c.parts, f)
	if err != nil {
		c.k.violation(in, f, "%v", err)
		return
	}
	if m == nil {
		return
	}
	c.outMessages++
	if in.offsets() {
		c.moveOnLocked(in, f, f.Aux, c.written)
	} else if f.Aux != 0 {
		c.k.violation(in, f, "offset %d from a plugin that knows none", f.Aux)
	}
	c.heard = append(c.heard, *m)
	if c.echo {
		c.queue = append(c.queue, outgoing{*m, true})
		c.pumpLocked()
	}
}

// moveOnLocked takes new offsets, which do not go back.
func (c *Conn) moveOnLocked(in *Instance, f *link.Frame, end, written uint64) {
	if end < c.end || written < c.written {
		c.k.violation(in, f, "offsets %d and %d after %d and %d", end, written, c.end, c.written)
	}
	c.end, c.written, c.rest = end, written, nil
}

func (c *Conn) writtenLocked(in *Instance, f *link.Frame) {
	if int(f.N) > len(c.unwritten) {
		c.k.violation(in, f, "%d messages, of %d that it was given", f.N, len(c.unwritten))
		return
	}
	c.unwritten = c.unwritten[f.N:]
	if in.offsets() {
		c.moveOnLocked(in, f, c.end, f.Aux)
	}
	c.pumpLocked()
}

func (c *Conn) closedLocked(f *link.Frame) {
	if f.Flags&link.Done != 0 {
		c.done++
		c.releaseLocked()
	}
	if !c.inputEnded {
		c.inputEnded, c.cause = true, f.N
	}
	if c.echo {
		c.closing = true
		c.pumpLocked()
	}
}

func (c *Conn) preparedLocked(in *Instance, f *link.Frame) {
	if !c.leaving {
		c.k.violation(in, f, "without PREPARE")
		return
	}
	c.answer = copyFrame(f)
	if f.Flags&link.Refused != 0 {
		c.leaving = false
		c.pumpLocked()
		return
	}
	c.resting = true
	var r pb.Record
	switch err := proto.Unmarshal(f.Payload, &r); {
	case err != nil:
		c.k.violation(in, f, "record: %v", err)
	case r.Version != 1 || uint64(len(r.Unread)) > r.Consumed:
		c.k.violation(in, f, "record of version %d with %d unread bytes of %d", r.Version, len(r.Unread), r.Consumed)
	case len(c.unwritten) > 0:
		c.k.violation(in, f, "%d messages were given to it and not written", len(c.unwritten))
	case c.fd >= 0:
		consumed, written, err := counters(c.fd)
		if err == nil && (consumed != r.Consumed || written != r.Written) {
			c.k.violation(in, f, "record says %d and %d bytes, the socket %d and %d", r.Consumed, r.Written, consumed, written)
		}
	}
	c.end, c.written = r.Consumed-uint64(len(r.Unread)), r.Written
	c.rest, c.state = r.Unread, r.State
	c.inputEnded = c.inputEnded || r.InputEnded
}
