package handlerhost

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/netcore-go/netcore/sdk/link"
)

// output is the host's way to its link.
//
// For an inline handler it holds back the last frame that OnMessage sends in
// answer to its message until OnMessage returns, since the acknowledgement can
// ride on it: one frame less for each message. That of a stream cannot, since it
// says that the reply has ended. A queued handler may go on for long after a
// Send, so there each frame goes at once.
type output struct {
	link   *link.Link
	inline bool
	batch  atomic.Bool // the link's reader is within a batch, and will flush

	mu       sync.Mutex // guards the fields below; for inline handlers only
	handling uint64     // OnMessage runs for a message of this connection and no stream; 0 if not
	size     uint64     // of that message
	kept     bool       // the handler holds that message: it is acknowledged later
	held     bool       // last is a frame held back
	last     link.Frame // its headers and payload are in scratch
	scratch  []byte
	acks     link.Frame // an ACK that grows; N is 0 if there is none
	run      []byte     // frames not yet given to the link

	flushing bool // a goroutine flushes
	again    bool // and must once more
	closed   bool
	flushers sync.WaitGroup
}

// append queues f behind all that was appended before it. No connection is
// locked.
func (o *output) append(f *link.Frame) {
	if !o.inline {
		o.link.Append(f)
		return
	}
	o.mu.Lock()
	o.appendLocked(f)
	o.mu.Unlock()
}

// appendLocked is append for whoever holds a connection's lock, which for an
// inline handler is o.mu.
func (o *output) appendLocked(f *link.Frame) {
	if !o.inline {
		o.link.Append(f)
		return
	}
	o.releaseLocked()
	o.putLocked(f)
}

// maxRun bounds what is kept in run, in bytes.
const maxRun = 64 << 10

func (o *output) putLocked(f *link.Frame) {
	o.run = link.AppendFrame(o.run, f)
	if len(o.run) >= maxRun {
		o.spillLocked()
	}
}

func (o *output) spillLocked() {
	if len(o.run) > 0 {
		o.link.AppendRaw(o.run)
		o.run = o.run[:0]
	}
}

// messageLocked queues data as one message, cut into chunks. f is its first
// frame but for the payload. The connection is locked.
func (o *output) messageLocked(f *link.Frame, data []byte) {
	for len(data) > link.MaxChunk {
		f.Flags, f.Payload = link.More, data[:link.MaxChunk]
		o.appendLocked(f)
		f.Headers, data = nil, data[link.MaxChunk:]
	}
	f.Flags, f.Payload = 0, data
	if !o.inline {
		o.link.Append(f)
		return
	}
	o.releaseLocked()
	if o.handling == f.Conn && f.Stream == 0 {
		o.holdLocked(f)
	} else {
		o.putLocked(f)
	}
}

func (o *output) holdLocked(f *link.Frame) {
	o.scratch = append(append(o.scratch[:0], f.Headers...), f.Payload...)
	n := len(f.Headers)
	// Not *f as a whole: the caller's memory must not seem to be kept.
	o.last = link.Frame{Kind: f.Kind, Type: f.Type, Conn: f.Conn, Epoch: f.Epoch, Stream: f.Stream,
		Headers: o.scratch[:n], Payload: o.scratch[n:]}
	o.held = true
}

func (o *output) releaseLocked() {
	if o.held {
		o.held = false
		o.putLocked(&o.last)
	}
}

// begin says that OnMessage of an inline handler will run for a message of c and
// no stream.
func (o *output) begin(c *conn, size uint64) {
	o.mu.Lock()
	o.handling, o.size, o.kept = c.number, size, false
	o.mu.Unlock()
}

// keep is Hold of an inline handler. It reports whether there is a message of c
// to hold, and its size.
func (o *output) keep(c *conn) (size uint64, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.handling != c.number || o.kept {
		return 0, false
	}
	o.kept = true
	return o.size, true
}

// end says that OnMessage has returned, and acknowledges the message unless it
// is held.
func (o *output) end(c *conn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.handling = 0
	switch {
	case o.kept:
		o.releaseLocked()
	case o.held:
		o.last.Flags |= link.Acked
		o.last.Aux = o.size
		o.releaseLocked()
	case o.acks.N > 0 && o.acks.Conn == c.number && o.acks.Epoch == c.epoch:
		o.acks.N++
		o.acks.Aux += o.size
	default:
		o.drainLocked()
		o.acks = c.ack(0, o.size)
	}
}

// drain appends what was held back.
func (o *output) drain() {
	if !o.inline {
		return
	}
	o.mu.Lock()
	o.drainLocked()
	o.mu.Unlock()
}

func (o *output) drainLocked() {
	o.releaseLocked()
	if o.acks.N > 0 {
		o.putLocked(&o.acks)
		o.acks.N = 0
	}
}

// flushNow writes all that was appended. No lock may be held.
func (o *output) flushNow() {
	o.mu.Lock()
	o.spillLocked()
	o.mu.Unlock()
	o.link.Flush()
}

// flush sees to it that what the caller has appended is written. Within a batch
// of an inline host that is EndBatch: it clears batch before it flushes, so
// whoever still sees batch set has appended before.
func (o *output) flush() {
	if !o.inline {
		o.link.FlushLater()
		return
	}
	if o.batch.Load() {
		return
	}
	// The caller may hold locks that the handler takes, too, and a flush of a
	// link in memory may come back to the handler: not in this goroutine.
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.flushing || o.closed {
		o.again = true
		return
	}
	o.flushing = true
	o.flushers.Add(1)
	go o.flusher() // ends when nothing was appended since its last flush
}

func (o *output) flusher() {
	defer o.flushers.Done()
	for {
		runtime.Gosched() // let others that are ready join this flush
		o.flushNow()
		o.mu.Lock()
		if !o.again || o.closed {
			o.flushing = false
			o.mu.Unlock()
			return
		}
		o.again = false
		o.mu.Unlock()
	}
}

func (o *output) close() {
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
	o.flushers.Wait()
}
