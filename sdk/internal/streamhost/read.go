package streamhost

import (
	"golang.org/x/sys/unix"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/internal/rawio"
)

// eagerNeed bounds how much memory is taken for a message because its first
// bytes say that it is so long; beyond it the buffer grows with what arrives.
const eagerNeed = 64 << 10

// readLocked reads once and hands on what has become whole.
func (c *conn) readLocked(w *worker) {
	buf, kept := c.roomLocked(w)
	n, err := rawio.Read(int(c.fd), buf[kept:])
	switch {
	case err == unix.EAGAIN:
	case err != nil:
		c.breakLocked(w, causeReset)
	case n == 0:
		c.ended = true
		c.decodeLocked(w, buf[:kept])
		c.watchLocked(w)
	default:
		c.heard, c.pinged = w.now, 0
		c.decodeLocked(w, buf[:kept+n])
	}
}

// roomLocked returns where to read to: the unread bytes, and room after them.
// Few unread bytes are copied to the loop's buffer; many stay where they are.
func (c *conn) roomLocked(w *worker) (buf []byte, kept int) {
	size := c.listener.readSize
	if c.in == nil {
		return w.buf[:size], 0
	}
	kept = len(c.in.b)
	if kept <= headroom && c.need <= size {
		copy(w.buf, c.in.b)
		return w.buf[:kept+size], kept
	}
	room := 2 * kept
	if c.need > kept+1 { // otherwise the codec did not say
		room = min(c.need, max(room, eagerNeed))
	}
	c.in = c.host.buffers.grow(c.in, max(room, kept+minReadSize))
	return c.in.b[:cap(c.in.b)], kept
}

// decodeLocked hands the messages in data, which begins with the unread bytes,
// to the kernel, keeps the rest, and writes what the codec has answered itself.
func (c *conn) decodeLocked(w *worker, data []byte) {
	before := c.used
	rest := c.consumeLocked(w, data)
	if c.cause != 0 {
		c.dropInputLocked()
		return
	}
	c.keepLocked(w, rest, c.used != before)
	c.takeOutputLocked(w)
	if c.out != nil && !c.waiting {
		c.flushLocked(w)
	}
	c.reportLocked(w)
	if c.ended && !c.stopped && !c.endTold && c.cause == 0 {
		c.endLocked()
	}
}

// consumeLocked decodes until the codec asks for more or the window shuts, and
// returns what is left of data.
func (c *conn) consumeLocked(w *worker, data []byte) (rest []byte) {
	var bytes int64
	defer func() { // one for all messages of a read
		w.spill(c.host.link)
		c.host.budget.take(bytes)
		if v := recover(); v != nil {
			c.panickedLocked(w, "Decode", v)
			rest = nil
		}
	}()
	for len(data) > 0 && (len(data) >= c.need || c.ended) {
		if !c.windowOpenLocked() {
			c.stopLocked()
			return data
		}
		last := len(data) < c.need
		m, n, ok, err := c.codec.Decode(&c.stream, data)
		c.need = c.stream.TakeNeed()
		if err != nil && last {
			return nil // it objects to the end, which is told anyway
		}
		if err != nil {
			c.takeOutputLocked(w)
			c.failLocked(w, decodeCause(err), err)
			return nil
		}
		if n < 0 || n > len(data) {
			c.failLocked(w, causeInternal, errUsed)
			return nil
		}
		if !ok && n == 0 {
			// It has seen all that is here and wants more, however much.
			c.need = max(c.need, len(data)+1)
			break
		}
		c.used += uint64(n)
		c.moved = true
		data, c.need = data[n:], 0
		if ok {
			if !c.deliverLocked(w, &m) {
				return nil
			}
			bytes += int64(len(m.Data))
		}
	}
	return data
}

// keepLocked keeps the unread bytes until more come.
func (c *conn) keepLocked(w *worker, rest []byte, progress bool) {
	if len(rest) == 0 {
		c.dropInputLocked()
		return
	}
	if c.in == nil {
		c.in = c.host.buffers.get(max(len(rest), min(c.need, eagerNeed)))
	} else if cap(c.in.b) < len(rest) || cap(c.in.b) > 4*max(len(rest), c.need, headroom) {
		old := c.in
		c.in = c.host.buffers.get(max(len(rest), min(c.need, eagerNeed)))
		defer c.host.buffers.put(old) // rest may point into it
	}
	c.in.b = c.in.b[:copy(c.in.b[:cap(c.in.b)], rest)]
	if c.stopped {
		return
	}
	if progress || c.begun == 0 {
		c.begun = w.now
	}
	if t := c.listener.readTimeout; t > 0 {
		c.expectLocked(c.begun + t)
	}
}

// takeOutputLocked appends what the codec has written itself to the output.
// Encoding needs the lock too: the order is that of the calls.
func (c *conn) takeOutputLocked(w *worker) {
	w.scratch = c.stream.TakeOutput(w.scratch[:0])
	if len(w.scratch) == 0 {
		return
	}
	c.outputLocked(len(w.scratch))
	c.out.b = append(c.out.b, w.scratch...)
	if len(w.scratch) > smallOutput {
		// The stream keeps its buffer for the next answer; after a handshake
		// there may be none for days.
		c.stream = *sdk.NewStream(c.stream.LocalAddr(), c.stream.RemoteAddr(), nil)
	}
}

// smallOutput is how many bytes a stream may keep for a codec's answers.
const smallOutput = 64

// resumeLocked goes on with decoding when the window has opened.
func (c *conn) resumeLocked(w *worker) {
	if c.phase != serving || c.cause != 0 || !c.stopped {
		return
	}
	c.stopped = false
	if !c.windowOpenLocked() {
		c.stopLocked()
		return
	}
	var data []byte
	if c.in != nil {
		data = c.in.b
	}
	c.decodeLocked(w, data)
	if c.phase == serving {
		c.watchLocked(w)
	}
}
