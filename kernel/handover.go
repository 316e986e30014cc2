package kernel

import (
	"fmt"

	"go.uber.org/zap"
	"google.golang.org/protobuf/proto"

	"github.com/netcore-go/netcore/sdk/link"
	pb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// hand gives a connection that no protocol plugin has, or that its owner has
// let go of, to an instance: OPEN if nothing was done with it yet, otherwise
// OFFER with the record. It may wait for the descriptor socket, so it is not
// for link readers. It reports whether the frame was queued.
func (k *Kernel) hand(t *turn, c *conn, to *instance) bool {
	// Whoever moves the connections of to away either sees that one more may
	// come, or has had its successor serve before.
	to.hold()
	defer to.unhold()
	if to.slot.serving.Load() != to {
		return false
	}
	r := to.reader(c.id)
	r.fdMu.Lock()
	defer r.fdMu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	waiting := c.tie == tieNone || c.tie == tieOffered && c.offerTo == nil
	if !waiting || c.done || c.fd < 0 || to.dead.Load() {
		return false
	}
	before := c.tie
	c.tie, c.offerTo = tieOffered, to
	c.lastEpoch++
	c.offerEpoch = c.lastEpoch
	fd := c.pin()
	c.mu.Unlock()
	err := to.host.sendDescriptor(r.index, fd)
	c.mu.Lock()
	c.unpin()
	if err != nil {
		if c.offerTo == to {
			c.tie, c.offerTo = before, nil
			if c.owner == nil { // it may have died meanwhile
				c.tie = tieNone
				if c.move != nil {
					c.move.finish(c, t.now, false)
				}
			}
		}
		to.fail(fmt.Sprintf("descriptor socket: %v", err))
		return false
	}
	if c.offerTo != to { // to has died meanwhile, or c has ended
		return false
	}
	c.offered = c.acked
	if c.opened {
		t.append(to, c.offer())
	} else {
		c.own(to, c.offerEpoch)
		t.append(to, c.open())
		k.pump(t, c)
	}
	return true
}

// open builds OPEN. c.mu is held.
func (c *conn) open() *link.Frame {
	return &link.Frame{Kind: link.Open, Flags: link.Descriptor, Conn: c.id, Epoch: c.epoch, Payload: marshal(c.openInfo())}
}

func (c *conn) openInfo() *pb.Open {
	return &pb.Open{
		Listener: uint32(c.l.index),
		Local:    c.l.network + "|" + c.local.String(), Remote: c.l.network + "|" + c.remote.String(),
		WindowMessages: windowMessages, WindowBytes: windowBytes,
	}
}

// offer builds OFFER. c.mu is held.
func (c *conn) offer() *link.Frame {
	o := &pb.Offer{
		Open: c.openInfo(),
		Record: &pb.Record{
			Version: 1, Unread: c.rest, State: c.state,
			Consumed: c.end + uint64(len(c.rest)), Written: c.written, InputEnded: c.inputEnded,
		},
		OutstandingMessages: uint32(c.in.messages + c.noted.messages), OutstandingBytes: uint64(c.in.bytes + c.noted.bytes),
	}
	return &link.Frame{Kind: link.Offer, Flags: link.Descriptor, Conn: c.id, Epoch: c.offerEpoch, Payload: marshal(o)}
}

// marshal encodes a message whose strings are all ASCII, which cannot fail.
func marshal(m proto.Message) []byte {
	b, err := proto.Marshal(m)
	if err != nil {
		panic(err)
	}
	return b
}

// own makes in the owner. c.mu is held.
func (c *conn) own(in *instance, epoch uint32) {
	if c.owner != nil {
		c.owner.unhold()
	}
	in.hold()
	c.owner, c.epoch, c.tie = in, epoch, tieServing
	c.offerTo = nil
	c.acked.sub(c.offered.messages, c.offered.bytes) // OFFER took them into account, but not what was done since
	c.out.Rewind()                                   // and what was not written is handed on again
}

// answered acts on READY.
func (k *Kernel) answered(t *turn, in *instance, f *link.Frame) error {
	c := k.conns.Get(f.Conn)
	if c == nil { // it has ended meanwhile, or never was
		in.stale.Add(1)
		t.append(in, &link.Frame{Kind: link.Release, Conn: f.Conn, Epoch: f.Epoch})
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tie != tieOffered || c.offerTo != in || c.offerEpoch != f.Epoch {
		in.stale.Add(1)
		return nil
	}
	if f.Flags&link.Refused != 0 {
		k.notAdopted(t, c, in, string(f.Payload))
		return nil
	}
	if old := c.owner; old != nil {
		t.append(old, &link.Frame{Kind: link.Release, Conn: c.id, Epoch: c.epoch})
	}
	c.own(in, c.offerEpoch)
	t.append(in, &link.Frame{Kind: link.Commit, Conn: c.id, Epoch: c.epoch})
	if c.move != nil {
		c.move.finish(c, t.now, true)
	}
	k.pump(t, c)
	k.progressEndIfEnding(t, c)
	return nil
}

// notAdopted takes a connection back from a successor that refused it or died.
// c.mu is held.
func (k *Kernel) notAdopted(t *turn, c *conn, in *instance, why string) {
	c.offerTo = nil
	if c.owner == nil { // its owner had died: nobody can go on with it
		k.log.Warn("connection not adopted", zap.String("connection", link.FormatID(c.id)), zap.Stringer("plugin", in), zap.String("reason", why))
		c.tie = tieNone
		k.abort(t, c, link.CauseCrashed)
		return
	}
	if c.move != nil {
		c.move.refused(why)
	}
	k.resume(t, c)
}

// resume lets the owner go on with a connection that it was asked to let go of.
// c.mu is held.
func (k *Kernel) resume(t *turn, c *conn) {
	c.lastEpoch++
	c.epoch, c.tie = c.lastEpoch, tieServing
	t.append(c.owner, &link.Frame{Kind: link.Resume, Conn: c.id, Epoch: c.epoch})
	if c.move != nil {
		c.move.finish(c, t.now, false)
	}
	k.pump(t, c)
	k.progressEndIfEnding(t, c)
}

func (k *Kernel) progressEndIfEnding(t *turn, c *conn) {
	if c.ending() {
		k.progressEnd(t, c)
	}
}

// prepared acts on PREPARED. c.mu is held.
func (k *Kernel) prepared(t *turn, c *conn, in *instance, f *link.Frame) error {
	if c.tie != tieLeaving {
		in.stale.Add(1)
		return nil
	}
	if f.Flags&link.Refused != 0 {
		c.tie = tieServing
		if c.move != nil {
			c.move.finish(c, t.now, false)
		}
		k.pump(t, c)
		k.progressEndIfEnding(t, c)
		return nil
	}
	var r pb.Record
	if err := proto.Unmarshal(f.Payload, &r); err != nil {
		return violation(f, "record: %v", err)
	}
	if n, _ := c.out.Outstanding(); n > 0 {
		return violation(f, "%d messages were handed over and not written", n)
	}
	if r.Version != 1 || uint64(len(r.Unread)) > r.Consumed {
		return violation(f, "record of version %d with %d unread bytes of %d", r.Version, len(r.Unread), r.Consumed)
	}
	c.end, c.written = r.Consumed-uint64(len(r.Unread)), r.Written
	c.rest, c.state = r.Unread, r.State
	c.inputEnded = c.inputEnded || r.InputEnded
	c.tie, c.offerTo = tieOffered, nil
	if c.move == nil || !c.move.atRest(c) {
		k.resume(t, c)
	}
	return nil
}

// handBurst is how many descriptors are sent before the frames that have the
// plugin take them: fewer than the descriptor socket holds.
const handBurst = 32

// handAll hands connections over.
func (k *Kernel) handAll(conns []*conn, to *instance) {
	t := newTurn()
	for i, c := range conns {
		k.hand(t, c, to)
		if i%handBurst == handBurst-1 {
			t.flush()
		}
	}
	t.flush()
}
