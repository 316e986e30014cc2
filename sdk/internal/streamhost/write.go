package streamhost

import (
	"golang.org/x/sys/unix"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/internal/rawio"
	"github.com/netcore-go/netcore/sdk/link"
)

// encodeLocked appends the wire form of a message of the kernel to the output.
func (c *conn) encodeLocked(w *worker, f *link.Frame, headers, payload []byte) {
	if c.mute || c.codec == nil {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			c.panickedLocked(w, "Encode", v)
		}
	}()
	h, err := c.host.headers.parse(headers)
	if err != nil {
		c.muteLocked(w, causeInternal, err)
		return
	}
	m := sdk.Message{Type: sdk.MessageType(f.Type), Data: payload, Headers: h}.WithStream(f.Stream)
	c.outputLocked(len(payload) + 64)
	out, err := c.codec.Encode(c.out.b, m)
	if err != nil {
		c.muteLocked(w, link.CauseOf(err), err)
		return
	}
	c.out.b = out
	c.unreported++
	if len(out) >= c.listener.writeSize && !c.waiting {
		c.flushLocked(w)
	}
}

// endReplyLocked appends what the protocol needs at the end of a reply.
func (c *conn) endReplyLocked(w *worker, stream uint64) {
	e, ok := c.codec.(sdk.ReplyEnder)
	if !ok || c.mute {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			c.panickedLocked(w, "EndReply", v)
		}
	}()
	c.outputLocked(64)
	out, err := e.EndReply(c.out.b, stream)
	if err != nil {
		c.muteLocked(w, link.CauseOf(err), err)
		return
	}
	c.out.b = out
}

// outputLocked makes sure that there is an output buffer with that much room.
// It grows in big steps, and through the pool rather than in the codec's append.
func (c *conn) outputLocked(room int) {
	if c.out == nil {
		c.out = c.host.buffers.get(room)
		return
	}
	if need := len(c.out.b) + room; need > cap(c.out.b) {
		c.out = c.host.buffers.grow(c.out, max(need, min(4*cap(c.out.b), need+defaultWriteSize)))
	}
}

// flushLocked writes the output with one system call, and leaves the rest to the
// loop if the socket does not take all of it.
func (c *conn) flushLocked(w *worker) {
	if c.phase != serving && c.phase != closing {
		return
	}
	if c.out == nil {
		c.flushedLocked(w)
		return
	}
	if rest := c.out.b[c.out.off:]; len(rest) > 0 {
		n, err := rawio.Write(int(c.fd), rest)
		if err != nil && err != unix.EAGAIN {
			c.breakLocked(w, causeReset)
			return
		}
		c.out.off += max(n, 0)
		c.written += uint64(max(n, 0))
		if n < len(rest) {
			c.waitLocked(w, n > 0)
			return
		}
	}
	c.host.buffers.put(c.out)
	waited := c.waiting
	c.out, c.waiting, c.stalled = nil, false, 0
	if waited {
		c.watchLocked(w)
	}
	c.flushedLocked(w)
}

// waitLocked has the loop go on when the socket takes more.
func (c *conn) waitLocked(w *worker, progress bool) {
	if progress || c.stalled == 0 {
		c.stalled = c.host.clock()
		if t := c.listener.writeTimeout; t > 0 {
			c.expectLocked(c.stalled + t)
		}
	}
	c.waiting = true
	c.watchLocked(w)
}

// flushedLocked does what waited for the output to be written.
func (c *conn) flushedLocked(w *worker) {
	c.reportLocked(w)
	c.tellCauseLocked()
	if c.phase == closing {
		c.shutdownLocked(w)
	}
}
