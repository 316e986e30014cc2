package streamhost

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"

	"github.com/netcore-go/netcore/sdk/link"
	pluginpb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// offer acts on OFFER: a connection of a predecessor, which is adopted and not
// yet read.
func (h *Host) offer(f *link.Frame) error {
	fd, err := h.receive(f)
	if err != nil {
		return err
	}
	var o pluginpb.Offer
	if err := proto.Unmarshal(f.Payload, &o); err != nil {
		unix.Close(fd)
		return fmt.Errorf("offer of connection %d: %w", f.Conn, err)
	}
	answer := link.Frame{Kind: link.Ready, Conn: f.Conn, Epoch: f.Epoch}
	if err := h.adopt(f, fd, &o); err != nil {
		unix.Close(fd)
		answer.Flags, answer.Payload = link.Refused, []byte(err.Error())
	}
	h.link.Append(&answer)
	return nil
}

func (h *Host) adopt(f *link.Frame, fd int, o *pluginpb.Offer) error {
	l := h.listeners[o.GetOpen().GetListener()]
	r := o.GetRecord()
	switch {
	case o.GetOpen() == nil || r == nil:
		return errors.New("the offer is incomplete")
	case l == nil:
		return fmt.Errorf("listener %d is unknown", o.GetOpen().GetListener())
	case r.GetVersion() != recordVersion:
		return fmt.Errorf("record version %d is unknown", r.GetVersion())
	case r.GetConsumed() < uint64(len(r.GetUnread())):
		return errors.New("more bytes are unread than were read")
	}
	c := newConn(h, l, f, fd, o.GetOpen())
	c.mu.Lock()
	defer c.mu.Unlock()
	c.phase = adopted
	c.restoreLocked(r)
	// Not nil even if it is empty: that is how a codec knows.
	if err := c.openCodecLocked(append([]byte{}, r.GetState()...)); err != nil {
		c.dropInputLocked()
		return err
	}
	c.takeOutputLocked(&h.work)
	if err := h.add(c); err != nil {
		c.dropInputLocked()
		c.dropOutputLocked()
		return err
	}
	h.last = nil // it may say that there is no such connection
	c.outstanding, c.outBytes = o.GetOutstandingMessages(), o.GetOutstandingBytes()
	h.budget.take(int64(c.outBytes))
	return nil
}

// restoreLocked takes over what the predecessor has recorded.
func (c *conn) restoreLocked(r *pluginpb.Record) {
	unread := r.GetUnread()
	c.used = r.GetConsumed() - uint64(len(unread))
	c.kernelUsed = c.used
	c.written, c.kernelWritten = r.GetWritten(), r.GetWritten()
	c.state = string(r.GetState())
	c.ended = r.GetInputEnded()
	// The end is told when all before it is decoded; nothing is unread then.
	c.endTold = c.ended && len(unread) == 0
	if len(unread) > 0 {
		c.in = c.host.buffers.get(len(unread))
		c.in.b = append(c.in.b, unread...)
		c.setReadDeadlineLocked(r.GetReadDeadline())
	}
}
