package kernel

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/netcore-go/netcore/sdk/link"
	pb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// An instance is one running incarnation of a plugin: the kernel's end of its
// link, and of its process if it has one.
type instance struct {
	k        *Kernel
	slot     *slot
	inc      uint64
	image    *image
	manifest *pb.Manifest
	carrier  Carrier
	started  time.Time

	link *link.Link
	host host // its process, or the runtime in this process

	// fdMu keeps descriptors and the frames that announce them in one order.
	// It is taken before a connection's mu.
	fdMu sync.Mutex

	conns   atomic.Int64 // connections that it owns or handles
	stale   atomic.Int64 // frames dropped because they were late or foreign
	dead    atomic.Bool  // set before the connections of a dead instance are looked for
	retired atomic.Bool  // it is being stopped on purpose
	broke   atomic.Pointer[string]

	pauses pauses // of the connections that have left it

	turn    turn // of the link's reader
	frame   link.Frame
	parts   []byte        // frames of a broadcast that has not ended
	room    string        // its room
	except  uint64        // the connection that it leaves out
	members []uint64      // of the room; kept for its memory
	emptied chan struct{} // capacity 1: conns has become 0
	resumes bool          // a handler that wants losses in a crash reported
}

// String names the instance as logs and status do.
func (in *instance) String() string {
	return fmt.Sprintf("%s/%s/%d", in.slot.name, in.manifest.GetVersion(), in.inc)
}

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
	t.held.mu.Unlock()
	t.held = nil
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
		in.link.Append(f)
		t.mark(in.link)
		return
	}
	t.aim(in)
	t.run = link.AppendFrame(t.run, f)
}

// raw queues an encoded frame for in. The connection that it is of is locked.
func (t *turn) raw(in *instance, frame []byte) {
	if t.held == nil {
		in.link.AppendRaw(frame)
		t.mark(in.link)
		return
	}
	t.aim(in)
	if len(frame) > maxCopied {
		t.spill()
		in.link.AppendRaw(frame)
		return
	}
	t.run = append(t.run, frame...)
}

// aim has run go to in.
func (t *turn) aim(in *instance) {
	if t.to != in.link || len(t.run) >= maxRun {
		t.spill()
		t.to = in.link
	}
	t.mark(in.link)
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

// A violationError is what a plugin did that the contract forbids.
type violationError struct{ reason string }

func (e *violationError) Error() string { return "violation of the contract: " + e.reason }

func violation(f *link.Frame, format string, args ...any) error {
	return &violationError{fmt.Sprintf("%v of connection %s: %s", f.Kind, link.FormatID(f.Conn), fmt.Sprintf(format, args...))}
}

// receive is the link's receive function: it acts on a batch, and leaves it to
// rest to flush. An error ends the instance.
func (in *instance) receive(batch []byte) error {
	t, f := &in.turn, &in.frame
	t.now = time.Now().UnixNano()
	defer t.release()
	for len(batch) > 0 {
		rest, err := link.Next(batch, f)
		if err != nil {
			return err
		}
		raw := batch[:len(batch)-len(rest)]
		batch = rest
		if in.slot.protocol {
			err = in.k.fromProtocol(t, in, f, raw)
		} else {
			err = in.k.fromHandler(t, in, f, raw)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// hold counts a connection more.
func (in *instance) hold() { in.conns.Add(1) }

// unhold counts a connection less, and wakes whoever waits for the last.
func (in *instance) unhold() {
	if in.conns.Add(-1) == 0 {
		select {
		case in.emptied <- struct{}{}:
		default:
		}
	}
}

// rest is called by the link's reader when no more frames have arrived.
func (in *instance) rest() { in.turn.flush() }
