package sdktest

import (
	"bytes"

	"google.golang.org/protobuf/proto"

	"github.com/netcore-go/netcore/sdk/link"
	pb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// maxRoom is how long the name of a room may be, in bytes.
const maxRoom = 256

// fromHandlerLocked acts on a frame of a handler plugin.
func (k *Kernel) fromHandlerLocked(in *Instance, f *link.Frame) {
	switch f.Kind {
	case link.Data, link.Ack, link.Close, link.Unbind, link.Context:
	case link.Room:
		k.roomLocked(in, f)
		return
	default:
		k.violation(in, f, "a handler does not send it")
		return
	}
	c := k.clients[f.Conn]
	if c == nil || c.owner != in || c.epoch != f.Epoch {
		k.stale++
		return
	}
	if c.unbound >= int(c.epoch) {
		k.violation(in, f, "after UNBIND, the last frame")
		return
	}
	switch f.Kind {
	case link.Data:
		c.dataLocked(in, f)
	case link.Ack:
		c.ackedLocked(in, f, f.N, f.Aux)
	case link.Close:
		c.closed, c.cause = true, f.N
		c.unbindLocked(0, f.N)
	case link.Unbind:
		if !c.unbinding {
			k.violation(in, f, "without being asked")
		}
		c.unbound++
	case link.Context:
		c.contextLocked(in, f)
	}
}

func (c *Client) dataLocked(in *Instance, f *link.Frame) {
	if f.Flags&link.Acked != 0 {
		c.ackedLocked(in, f, 1, f.Aux)
	}
	if c.parts[f.Stream] == nil && uint32(len(c.sent)) >= c.window {
		c.k.violation(in, f, "the window is shut: %d messages are outstanding", len(c.sent))
	}
	m, err := assemble(&c.parts, f)
	if err != nil {
		c.k.violation(in, f, "%v", err)
		return
	}
	if m == nil {
		return
	}
	c.sent = append(c.sent, len(m.Data))
	c.hearLocked(*m)
	if !c.manual {
		c.openLocked(len(c.sent))
	}
}

func (c *Client) ackedLocked(in *Instance, f *link.Frame, n uint32, size uint64) {
	if n > c.given || size > c.givenBytes {
		c.k.violation(in, f, "acknowledges %d messages and %d bytes, of %d and %d", n, size, c.given, c.givenBytes)
		return
	}
	c.given -= n
	c.givenBytes -= size
	c.acks += int(n)
}

func (c *Client) contextLocked(in *Instance, f *link.Frame) {
	key, value, rest, err := link.NextHeader(f.Headers)
	if err == nil && len(rest) == 0 && len(value) > 0 {
		err = proto.Unmarshal(value, new(pb.Value))
	}
	if err != nil || len(rest) > 0 {
		c.k.violation(in, f, "not one pair of a key and a value: %v", err)
		return
	}
	if len(value) == 0 {
		delete(c.context, string(key))
	} else {
		c.context[string(key)] = bytes.Clone(value)
	}
}

// roomLocked acts on ROOM.
func (k *Kernel) roomLocked(in *Instance, f *link.Frame) {
	h, err := link.Headers(f.Headers)
	room := h["room"]
	if f.Aux == link.RoomBroadcast {
		k.broadcastLocked(in, f)
		return
	}
	c := k.clients[f.Conn]
	switch {
	case err != nil || room == "" || len(room) > maxRoom:
		k.violation(in, f, "room %q: %v", room, err)
	case c == nil || c.owner != in || c.epoch != f.Epoch:
		k.stale++
	case f.Aux == link.RoomJoin:
		if k.rooms[room] == nil {
			k.rooms[room] = make(map[uint64]*Client)
		}
		k.rooms[room][c.ID] = c
	case f.Aux == link.RoomLeave:
		delete(k.rooms[room], c.ID)
	default:
		k.violation(in, f, "operation %d", f.Aux)
	}
}

// broadcastLocked passes a message on to the members of a room. Its parts are
// not mixed with those of others, since broadcasts of an instance have an order.
func (k *Kernel) broadcastLocked(in *Instance, f *link.Frame) {
	if in.broadcast == nil {
		in.room, in.except = "", f.Stream
		if key, value, _, err := link.NextHeader(f.Headers); err == nil && string(key) == "room" {
			in.room = string(value)
		} else {
			k.violation(in, f, "its headers do not begin with the room")
		}
	}
	part := *f
	part.Stream = 0
	m, err := assemble(&in.broadcast, &part)
	if err != nil {
		k.violation(in, f, "%v", err)
		return
	}
	if m == nil {
		return
	}
	in.broadcast = nil
	delete(m.Headers, "room")
	for _, c := range k.rooms[in.room] {
		if c.ID != in.except {
			c.hearLocked(*m)
		}
	}
}

// Members returns how many connections are in a room.
func (k *Kernel) Members(room string) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.rooms[room])
}
