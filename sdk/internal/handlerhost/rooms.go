package handlerhost

import (
	"fmt"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/link"
)

// maxBroadcast bounds what the kernel takes as one broadcast, with the frames'
// headers, in bytes.
const maxBroadcast = 16 << 20

// maxRoom bounds a room's name, in bytes: half of what the kernel takes, which
// adds the handler's name.
const maxRoom = 128

// Connection returns the connection of that ID.
func (h *Host) Connection(id string) (sdk.Connection, bool) {
	number, err := link.ParseID(id)
	if err != nil {
		return nil, false
	}
	c := h.lookup(number)
	if c == nil {
		return nil, false
	}
	return c, true
}

// Join adds conn to a room.
func (h *Host) Join(conn sdk.Connection, room string) error {
	return h.room(conn, room, link.RoomJoin)
}

// Leave takes conn out of a room.
func (h *Host) Leave(conn sdk.Connection, room string) error {
	return h.room(conn, room, link.RoomLeave)
}

func (h *Host) room(conn sdk.Connection, room string, operation uint64) error {
	headers, err := roomHeaders(room, nil)
	if err != nil {
		return err
	}
	c := h.own(conn)
	if c == nil {
		return sdk.ErrClosed
	}
	c.mu.Lock()
	if err := c.errLocked(); err != nil {
		c.mu.Unlock()
		return err
	}
	c.host.out.appendLocked(&link.Frame{Kind: link.Room, Conn: c.number, Epoch: c.epoch, Aux: operation, Headers: headers})
	c.mu.Unlock()
	c.host.out.flush()
	return nil
}

// own returns the conn behind a connection that user code may have wrapped, nil
// if it is not bound to this host.
func (h *Host) own(connection sdk.Connection) *conn {
	switch c := connection.(type) {
	case nil:
		return nil
	case *request:
		return c.conn
	case *conn:
		return c
	}
	number, err := link.ParseID(connection.ID())
	if err != nil {
		return nil
	}
	return h.lookup(number)
}

// Broadcast sends msg to a room; one that is too large is an error here, since
// the kernel would end the plugin for it. What is sent before the link is there waits
// for it.
func (h *Host) Broadcast(room string, msg sdk.Message, except sdk.Connection) error {
	headers, err := roomHeaders(room, msg.Headers)
	if err != nil {
		return err
	}
	if frames := len(msg.Data)/link.MaxChunk + 1; len(msg.Data)+frames*link.HeaderSize > maxBroadcast {
		return fmt.Errorf("broadcast of %d bytes: %w", len(msg.Data), sdk.ErrTooLarge)
	}
	f := link.Frame{Kind: link.Room, Type: uint8(msg.Type), Aux: link.RoomBroadcast, Headers: headers}
	if except != nil {
		if f.Stream, err = link.ParseID(except.ID()); err != nil {
			return err
		}
	}
	h.rooms.Lock() // broadcasts of several frames do not mix
	attached := len(h.shards) > 0
	data := msg.Data
	for len(data) > link.MaxChunk {
		f.Flags, f.Payload = link.More, data[:link.MaxChunk]
		h.broadcastLocked(&f)
		f.Headers, data = nil, data[link.MaxChunk:]
	}
	f.Flags, f.Payload = 0, data
	h.broadcastLocked(&f)
	h.rooms.Unlock()
	if attached {
		h.shards[0].out.flush()
	}
	return nil
}

func (h *Host) broadcastLocked(f *link.Frame) {
	if len(h.shards) == 0 {
		h.early = link.AppendFrame(h.early, f)
		return
	}
	h.shards[0].out.append(f)
}

// roomHeaders returns the header block of a ROOM frame: the room comes first.
func roomHeaders(room string, headers map[string]string) ([]byte, error) {
	if room == "" || len(room) > maxRoom {
		return nil, fmt.Errorf("a room's name has 1 to %d bytes, not %d", maxRoom, len(room))
	}
	b := link.AppendHeaders(link.AppendHeader(nil, "room", room), headers)
	if len(b) > maxHeaders {
		return nil, fmt.Errorf("headers of %d bytes: %w", len(b), sdk.ErrTooLarge)
	}
	return b, nil
}
