package streamhost

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/internal/rawio"
	"github.com/netcore-go/netcore/sdk/link"
)

const (
	// closeLimit bounds how long the last output may take where the listener
	// has no write timeout.
	closeLimit = int64(5 * time.Second)
	// lingerLimit bounds the wait for the peer's end after ours. Closing a
	// socket with unread input would reset it, and the peer could lose what
	// was sent last.
	lingerLimit = int64(time.Second)
)

// writeLimit is how long the last output may take.
func (c *conn) writeLimit() int64 {
	if t := c.listener.writeTimeout; t > 0 {
		return t
	}
	return closeLimit
}

// closeLocked acts on CLOSE: write what is there, say goodbye, shut down, wait
// for the peer's end, answer CLOSE with DONE.
func (c *conn) closeLocked(w *worker, f *link.Frame) bool {
	if f.Flags&link.Abort != 0 {
		c.doneLocked() // the kernel resets its copy
		return true
	}
	if c.phase == closing || c.phase == lingering {
		return false
	}
	c.phase = closing
	c.stopped = false
	c.dropInputLocked()
	c.dropPartsLocked()
	if c.broken {
		c.finishLocked()
		return true
	}
	cause := f.N
	if cause == link.CauseNone {
		cause = c.cause
	}
	c.goodbyeLocked(w, cause)
	c.deadline = c.host.clock() + c.writeLimit()
	c.expectLocked(c.deadline)
	c.host.markDirty(c)
	return true
}

func (c *conn) goodbyeLocked(w *worker, cause link.Cause) {
	closer, ok := c.codec.(sdk.Closer)
	if !ok {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			c.panickedLocked(w, "Goodbye", v)
		}
	}()
	c.outputLocked(64)
	c.out.b = closer.Goodbye(c.out.b, link.CauseError(cause))
}

// shutdownLocked follows the last written byte.
func (c *conn) shutdownLocked(w *worker) {
	if unix.Shutdown(int(c.fd), unix.SHUT_WR) != nil || c.ended {
		c.finishLocked()
		return
	}
	c.phase = lingering
	c.deadline = c.host.clock() + lingerLimit
	c.expectLocked(c.deadline)
	c.watchLocked(w)
}

// drainLocked reads and drops what comes before the peer's end.
func (c *conn) drainLocked(w *worker) {
	n, err := rawio.Read(int(c.fd), w.buf)
	if n == 0 || err != nil && err != unix.EAGAIN {
		c.finishLocked()
	}
}

// finishLocked closes the socket for all who have copies of it, and says so.
func (c *conn) finishLocked() {
	if c.phase == gone {
		return
	}
	// Closing sends nothing while the kernel holds a copy. An error means that
	// there is no peer any more.
	_ = unix.Shutdown(int(c.fd), unix.SHUT_RDWR)
	c.doneLocked()
}

// doneLocked lets go of the connection and answers CLOSE with DONE.
func (c *conn) doneLocked() {
	c.forgetLocked()
	c.sendLocked(&link.Frame{Kind: link.Close, Flags: link.Done, N: c.cause})
}
