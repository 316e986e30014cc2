package kernel

import (
	"go.uber.org/zap"

	"github.com/netcore-go/netcore/kernel/internal/queue"
	"github.com/netcore-go/netcore/sdk/link"
)

// maxBroadcast bounds one broadcast message, in bytes.
const maxBroadcast = 16 << 20

// room acts on a ROOM frame. Rooms of different handlers do not meet.
func (k *Kernel) room(r *reader, f *link.Frame) error {
	in := r.in
	if f.Aux == link.RoomBroadcast && len(r.parts) > 0 {
		return k.broadcast(r, f, "") // a later part: the first has named the room
	}
	key, value, rest, err := link.NextHeader(f.Headers)
	if err != nil || string(key) != "room" {
		return violation(f, "no room named")
	}
	f.Headers = rest
	name := in.slot.name + "\x00" + string(value)
	switch f.Aux {
	case link.RoomBroadcast:
		return k.broadcast(r, f, name)
	case link.RoomJoin, link.RoomLeave:
	default:
		return violation(f, "operation %d", f.Aux)
	}
	c := k.conns.Get(f.Conn)
	if c == nil {
		in.stale.Add(1)
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !c.bound(in, f.Epoch):
		in.stale.Add(1)
	case f.Aux == link.RoomLeave:
		k.hub.Leave(name, c.id)
	default:
		// JOIN has no answer, and too many rooms are the user's doing, not the SDK's.
		if err := k.hub.Join(name, c.id); err != nil {
			k.log.Warn("join", zap.Stringer("instance", in), zap.String("connection", link.FormatID(c.id)), zap.Error(err))
		}
	}
	return nil
}

// broadcast sends a message to the members of a room, once all its parts are there.
func (k *Kernel) broadcast(r *reader, f *link.Frame, name string) error {
	if len(r.parts) == 0 {
		r.room, r.except = name, f.Stream
	}
	r.parts = link.AppendFrame(r.parts, &link.Frame{Kind: link.Data, Flags: f.Flags & link.More, Type: f.Type, Headers: f.Headers, Payload: f.Payload})
	if len(r.parts) > maxBroadcast {
		return violation(f, "broadcast of more than %d bytes", maxBroadcast)
	}
	if f.Flags&link.More != 0 {
		return nil
	}
	r.members = k.hub.Members(r.room, r.members[:0])
	for _, id := range r.members {
		if id != r.except {
			k.deliver(&r.turn, id, r.parts)
		}
	}
	r.parts = r.parts[:0]
	return nil
}

// deliver queues the frames of one message for a member. It never waits.
func (k *Kernel) deliver(t *turn, id uint64, parts []byte) {
	c := k.conns.Get(id)
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing || c.broken {
		return
	}
	if c.out.Bytes()+len(c.aside) >= c.l.Limits.QueueBytes {
		if c.l.QueuePolicy == QueueClose {
			k.abort(t, c, link.CauseOverflow)
		} else {
			c.l.stats.dropped.Add(1)
		}
		return
	}
	c.aside = append(c.aside, parts...)
	if !c.out.Arriving() {
		c.pushAside()
		k.pump(t, c)
	}
}

// pushAside queues what arrived from elsewhere, and ends of replies, while a
// message of the handler was arriving. c.mu is held.
func (c *conn) pushAside() {
	for rest := c.aside; len(rest) > 0; {
		n := link.Whole(rest, 0)
		raw := rest[:n]
		rest = rest[n:]
		link.SetConn(raw, c.id)
		if link.KindOf(raw) != link.Data {
			c.out.PushNote(raw)
			c.renote()
			continue
		}
		c.out.Push(raw, link.FlagsOf(raw)&link.More == 0, queue.NoCredit)
	}
	if cap(c.aside) > 1<<10 {
		c.aside = nil
	}
	c.aside = c.aside[:0]
}
