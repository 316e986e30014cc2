package kernel

import (
	"time"

	"github.com/netcore-go/netcore/sdk/link"
)

// A turn is the handling of one batch of frames, or of one event in the kernel
// itself: it gathers the links to flush at its end, when no lock is held.
//
// In a batch, frames of one connection mostly follow one another. A link's
// reader therefore keeps the connection locked from frame to frame, and what it
// causes on another link goes there in one piece before the lock is let go, so
// that nobody's frames of this connection come between.
type turn struct {
	now   int64 // Unix nanoseconds
	dirty []*link.Link

	held *conn      // locked by this turn from frame to frame, or nil
	done counts     // what held has done since it was locked
	run  []byte     // frames that held has caused, not yet queued
	to   *link.Link // where run goes
}

const (
	maxRun    = 64 << 10 // what is kept in run, in bytes
	maxCopied = 512      // a frame that is worth a copy to save a lock, in bytes
)

// newTurn returns the turn of an event in the kernel itself.
func newTurn() *turn { return &turn{now: time.Now().UnixNano()} }

// lock locks c until another connection is locked, or release.
func (t *turn) lock(c *conn) {
	if t.held == c {
		return
	}
	t.release()
	c.mu.Lock()
	t.held = c
}

// release lets go of the connection that lock has locked. It must come before
// the lock of any other connection is taken.
func (t *turn) release() {
	if t.held == nil {
		return
	}
	t.spill()
	if t.done != (counts{}) {
		t.held.l.stats.count(&t.done)
		t.held.touch(t.now)
		t.done = counts{}
	}
	t.held.mu.Unlock()
	t.held = nil
}

// wrote notes that messages of held have reached the client.
func (t *turn) wrote(messages, bytes int64) {
	t.done.sent += messages
	t.done.bytesOut += bytes
}

// spill queues what the connection held has caused.
func (t *turn) spill() {
	if len(t.run) > 0 {
		t.to.AppendRaw(t.run)
		t.run = t.run[:0]
	}
}

// append queues f for in. The connection that f is of is locked.
func (t *turn) append(in *instance, f *link.Frame) {
	if t.held == nil {
		l := in.reader(f.Conn).link
		l.Append(f)
		t.mark(l)
		return
	}
	t.aim(in.reader(f.Conn).link)
	t.run = link.AppendFrame(t.run, f)
}

// raw queues an encoded frame for in. The connection that it is of is locked.
func (t *turn) raw(in *instance, frame []byte) {
	if t.held == nil {
		l := in.reader(link.ConnOf(frame)).link
		l.AppendRaw(frame)
		t.mark(l)
		return
	}
	t.aim(in.reader(t.held.id).link)
	if len(frame) > maxCopied {
		t.spill()
		t.to.AppendRaw(frame)
		return
	}
	t.run = append(t.run, frame...)
}

// aim has run go to l.
func (t *turn) aim(l *link.Link) {
	if t.to != l || len(t.run) >= maxRun {
		t.spill()
		t.to = l
	}
	t.mark(l)
}

func (t *turn) mark(l *link.Link) {
	for i := len(t.dirty) - 1; i >= 0; i-- {
		if t.dirty[i] == l {
			return
		}
	}
	t.dirty = append(t.dirty, l)
}

// flush must be called with no lock held.
func (t *turn) flush() {
	for i, l := range t.dirty {
		l.Flush()
		t.dirty[i] = nil
	}
	t.dirty = t.dirty[:0]
}
