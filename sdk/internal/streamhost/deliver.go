package streamhost

import (
	"fmt"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/link"
)

// maxHeaders bounds a message's header block, in bytes: it must fit one frame
// together with a chunk.
const maxHeaders = 1 << 20

// maxState bounds a codec's state, in bytes: with the unread bytes it must fit
// one frame.
const maxState = 512 << 10

// deliverLocked queues a message for the kernel, in chunks. It reports whether
// the connection can go on.
func (c *conn) deliverLocked(w *worker, m *sdk.Message) bool {
	f := link.Frame{Kind: link.Data, Type: uint8(m.Type), Stream: m.Stream()}
	if len(m.Headers) > 0 {
		w.scratch = link.AppendHeaders(w.scratch[:0], m.Headers)
		if len(w.scratch) > maxHeaders {
			c.failLocked(w, link.CauseTooLarge, fmt.Errorf("headers of %d bytes: %w", len(w.scratch), sdk.ErrTooLarge))
			return false
		}
		f.Headers = w.scratch
	}
	data := m.Data
	for len(data) > link.MaxChunk {
		f.Flags, f.Payload = link.More, data[:link.MaxChunk]
		w.add(c, &f)
		data, f.Headers = data[link.MaxChunk:], nil
	}
	f.Flags, f.Payload, f.Aux = 0, data, c.used
	w.add(c, &f)
	c.kernelUsed = c.used
	c.outstanding++
	c.outBytes += uint64(len(m.Data))
	w.queued += link.HeaderSize + len(m.Data)
	return true
}

// maxRun bounds what add gathers, in bytes.
const maxRun = 64 << 10

// add gathers the frames of what was read at once, to queue them in one piece.
// Nothing else of the connection is queued before spill.
func (w *worker) add(c *conn, f *link.Frame) {
	f.Conn, f.Epoch = c.id, c.epoch
	w.run = link.AppendFrame(w.run, f)
	if len(w.run) >= maxRun {
		w.spill(c.host.link)
	}
}

func (w *worker) spill(l *link.Link) {
	if len(w.run) > 0 {
		l.AppendRaw(w.run)
		w.run = w.run[:0]
	}
}

// reportLocked tells the kernel what has moved and no DATA says: messages that
// were written, bytes that were used or written without being a message, and
// the codec's state.
//
// As long as output is pending the offset behind it is not told: a crash then
// finds the connection not whole. Nor is a state told that cannot be saved.
func (c *conn) reportLocked(w *worker) {
	if c.broken {
		return
	}
	flushed := c.out == nil
	if flushed && c.unreported > 0 {
		c.kernelWritten = c.written
		c.sendLocked(&link.Frame{Kind: link.Written, N: c.unreported, Aux: c.written})
		c.unreported = 0
	}
	changed := false
	if c.moved && c.saver {
		state, ok := c.saveLocked(w)
		if !ok {
			return
		}
		c.moved = false
		if changed = string(state) != c.state; changed {
			c.state = string(state)
		}
	}
	if !changed && (!flushed || c.used == c.kernelUsed && c.written == c.kernelWritten) {
		return
	}
	c.kernelUsed = c.used
	if flushed {
		c.kernelWritten = c.written
	}
	c.sendLocked(&link.Frame{Kind: link.State, Aux: c.used, Stream: c.kernelWritten, Payload: []byte(c.state)})
}

// saveLocked returns the codec's state, which is valid until w's scratch space
// is used again, and whether the connection can move with it.
func (c *conn) saveLocked(w *worker) (state []byte, ok bool) {
	if !c.saver || c.codec == nil {
		return nil, true
	}
	defer func() {
		if v := recover(); v != nil {
			state, ok = nil, false
			c.panickedLocked(w, "SaveState", v)
		}
	}()
	state, err := c.codec.(sdk.StateSaver).SaveState(w.scratch[:0])
	if err != nil || len(state) > maxState {
		return nil, false
	}
	w.scratch = state
	return state, true
}
