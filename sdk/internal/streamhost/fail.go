package streamhost

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/netcore-go/netcore/sdk/link"
)

const (
	causeReset    = link.CauseReset
	causeTimeout  = link.CauseTimeout
	causeInternal = link.CauseInternal
)

var errUsed = errors.New("the codec's Decode used more bytes than there are")

// decodeCause is the cause of an error of Decode: the peer's fault unless the
// error says otherwise.
func decodeCause(err error) link.Cause {
	if c := link.CauseOf(err); c != link.CauseInternal {
		return c
	}
	return link.CauseProtocol
}

// failLocked ends the connection's input because of cause, and tells the kernel
// when the output has been written. err says more, for the log.
func (c *conn) failLocked(w *worker, cause link.Cause, err error) {
	w.spill(c.host.link)
	if c.cause != 0 || c.phase == gone {
		return
	}
	c.host.log.Debug("connection failed", "connection", c.id, "cause", link.CauseName(cause), "error", err)
	c.cause = cause
	c.pinged = 0
	c.stopped = false
	if c.phase != serving {
		return // it is closing anyway
	}
	// Input is dropped by whoever decodes: data may point into it.
	c.flushLocked(w)
	if !c.causeTold && c.phase == serving {
		c.deadline = c.host.clock() + c.writeLimit()
		c.expectLocked(c.deadline)
	}
	if c.registered {
		c.watchLocked(w)
	}
}

// muteLocked is failLocked for failures of this side: nothing more is encoded.
func (c *conn) muteLocked(w *worker, cause link.Cause, err error) {
	c.mute = true
	c.failLocked(w, cause, err)
	if c.in != nil && c.cause != 0 {
		c.dropInputLocked()
	}
}

// breakLocked gives the socket up: nothing can be read or written.
func (c *conn) breakLocked(w *worker, cause link.Cause) {
	if c.broken || c.phase == gone {
		return
	}
	c.broken, c.mute = true, true
	c.unwatchLocked()
	c.dropOutputLocked()
	if c.phase == closing || c.phase == lingering {
		c.finishLocked()
		return
	}
	if c.cause == 0 {
		c.cause = cause
	}
	c.stopped = false
	c.dropInputLocked()
	c.tellCauseLocked()
}

// tellCauseLocked sends CLOSE with the cause, once.
func (c *conn) tellCauseLocked() {
	if c.cause == 0 || c.causeTold || c.phase != serving {
		return
	}
	c.causeTold = true
	c.sendLocked(&link.Frame{Kind: link.Close, N: c.cause})
}

// endLocked sends CLOSE without a cause: the peer has ended its direction, and
// all that it had sent is with the kernel. Half a message is dropped.
func (c *conn) endLocked() {
	c.used += uint64(c.unread())
	c.dropInputLocked()
	c.endTold = true
	c.sendLocked(&link.Frame{Kind: link.Close})
}

// panickedLocked ends the connection whose codec has panicked.
func (c *conn) panickedLocked(w *worker, method string, v any) {
	c.host.log.Error("codec panicked", "connection", c.id, "listener", c.listener.name, "method", method,
		"panic", fmt.Sprint(v), "stack", string(debug.Stack()))
	c.codec, c.saver, c.pinger = nil, false, false
	c.muteLocked(w, causeInternal, fmt.Errorf("panic in %s: %v", method, v))
}

// A panicError is a panic of a codec's Open.
type panicError struct {
	value any
}

func (e *panicError) Error() string { return fmt.Sprintf("panic in Open: %v", e.value) }

// openCause is the cause of an error of Open.
func openCause(err error) link.Cause {
	if _, ok := err.(*panicError); ok {
		return link.CauseInternal
	}
	return link.CauseRefused
}
