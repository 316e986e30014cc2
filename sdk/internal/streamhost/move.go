package streamhost

import (
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/netcore-go/netcore/sdk/link"
	pluginpb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// recordVersion is the meaning of the records that are written and understood.
const recordVersion = 1

// maxUnread bounds the unread bytes that move, in bytes.
const maxUnread = 256 << 10

// prepareLocked acts on PREPARE: it brings the connection to rest and describes
// it, or says why not and goes on.
func (c *conn) prepareLocked(w *worker) bool {
	if c.phase != serving {
		return false
	}
	record, reason := c.recordLocked(w)
	if reason != "" {
		c.sendLocked(&link.Frame{Kind: link.Prepared, Flags: link.Refused, Payload: []byte(reason)})
		return true
	}
	c.unwatchLocked()
	c.phase = prepared
	c.sendLocked(&link.Frame{Kind: link.Prepared, Payload: record})
	return true
}

// recordLocked writes what is pending and returns what a successor needs, or why
// the connection cannot move now.
func (c *conn) recordLocked(w *worker) (record []byte, reason string) {
	if c.parts != nil {
		return nil, "a message is arriving in parts"
	}
	c.flushLocked(w)
	switch {
	case c.cause != 0:
		return nil, "closing"
	case c.out != nil:
		return nil, "slow reader"
	case c.unread() > maxUnread:
		return nil, "in the middle of a long message"
	}
	state, ok := c.saveLocked(w)
	if !ok {
		return nil, "the codec cannot move now"
	}
	r := &pluginpb.Record{Version: recordVersion, State: state, Consumed: c.used, Written: c.written, InputEnded: c.ended,
		ReadDeadline: c.readDeadlineLocked()}
	if c.in != nil {
		r.Unread = c.in.b
		r.Consumed += uint64(len(c.in.b))
	}
	record, err := proto.Marshal(r)
	if err != nil {
		return nil, err.Error()
	}
	return record, ""
}

// readDeadlineLocked is when the message that has begun must be whole, in Unix
// nanoseconds, 0 for never.
func (c *conn) readDeadlineLocked() int64 {
	if c.begun == 0 || c.listener.readTimeout == 0 {
		return 0
	}
	return time.Now().UnixNano() + c.begun + c.listener.readTimeout - c.host.clock()
}

// setReadDeadlineLocked is the inverse of readDeadlineLocked.
func (c *conn) setReadDeadlineLocked(t int64) {
	if t == 0 || c.listener.readTimeout == 0 {
		return
	}
	c.begun = max(t-time.Now().UnixNano()+c.host.clock()-c.listener.readTimeout, 1)
}

// goOnLocked acts on RESUME: the connection did not move.
func (c *conn) goOnLocked(epoch uint32) bool {
	if c.phase != prepared {
		return false
	}
	c.epoch = epoch
	c.serveLocked()
	return true
}

// commitLocked acts on COMMIT: the connection that was offered is ours.
func (c *conn) commitLocked() bool {
	if c.phase != adopted {
		return false
	}
	c.serveLocked()
	return true
}

// serveLocked goes on where the connection was stopped, at the end of the batch.
func (c *conn) serveLocked() {
	c.phase = serving
	c.stopped = true
	c.heard, c.pinged = c.host.clock(), 0
	c.expectHeartbeatLocked()
	c.host.markWoken(c)
	c.host.markDirty(c)
}

// releaseLocked acts on RELEASE: another instance has the connection.
func (c *conn) releaseLocked() bool {
	if c.phase != prepared && c.phase != adopted {
		return false
	}
	c.forgetLocked()
	return true
}
