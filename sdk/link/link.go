package link

import (
	"errors"
	"runtime"
	"sync"
)

// ErrClosed is returned by Run after Close.
var ErrClosed = errors.New("link closed")

// minSpare is the buffer that a link keeps in any case, in bytes. A larger one is
// kept as long as batches use it.
const minSpare = 64 << 10

// patience is how many small batches in a row have a link let go of a large
// buffer.
const patience = 256

// A Carrier moves batches for one end of a [Link]. Write and TryWrite are never
// called concurrently with each other.
type Carrier interface {
	// TryWrite writes what it can of b without waiting and returns the rest.
	TryWrite(b []byte) (rest []byte, err error)
	// Write writes all of b, waiting as long as it takes.
	Write(b []byte) error
	// Read calls receive with whole frames as they arrive, until the other end
	// closes (nil), Close is called, or receive returns an error, which it
	// returns. The batch is valid until receive returns.
	// idle is called after a batch before Read waits, and after much was
	// received without a wait; always before Read returns.
	Read(receive func(batch []byte) error, idle func()) error
	// Close ends Read and Write of this end, and makes the other end's Read
	// return. It may be called more than once.
	Close() error
}

// A Link is one end of an ordered full-duplex flow of frames. Its methods may be
// called from any goroutine.
//
// Batching is adaptive and adds no delay: frames queue in one buffer, and
// whoever flushes while another goroutine is writing leaves its frames to it.
// The queue is not bounded here; windows bound what is in it.
type Link struct {
	carrier Carrier
	idle    func()
	wake    chan struct{} // capacity 1: a pending wake-up of the writer
	closed  chan struct{}

	mu      sync.Mutex // guards the fields below
	queue   []byte
	spare   []byte
	rest    []byte // what TryWrite left over, for the writer
	whole   []byte // the batch that rest is the end of
	writing bool   // a goroutine is in TryWrite or Write, or rest waits for the writer
	down    bool   // nothing can be written any more
	small   int    // batches in a row that needed little of their buffer
}

// New returns the end of a link that carrier carries. It starts nothing; Run does.
func New(carrier Carrier) *Link {
	return &Link{carrier: carrier, idle: func() {}, wake: make(chan struct{}, 1), closed: make(chan struct{})}
}

// Append queues f, which it copies. It never waits. Frames appended to a link
// that is down are dropped.
func (l *Link) Append(f *Frame) {
	l.mu.Lock()
	if !l.down {
		l.queue = AppendFrame(l.queue, f)
	}
	l.mu.Unlock()
}

// AppendRaw queues an encoded frame, which it copies. It is Append for whoever
// passes frames on.
func (l *Link) AppendRaw(raw []byte) {
	l.mu.Lock()
	if !l.down {
		l.queue = append(l.queue, raw...)
	}
	l.mu.Unlock()
}

// Queued returns how many bytes wait to be written.
func (l *Link) Queued() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue) + len(l.rest)
}

// Flush writes what is queued in the caller's goroutine, as far as that needs
// no waiting; the rest is left to the link's writer. For whoever has come to the
// end of a batch. It must not be called with a lock held: with the memory
// carrier it runs the other end's receive function.
func (l *Link) Flush() {
	l.mu.Lock()
	if l.writing || l.down || len(l.queue) == 0 {
		l.mu.Unlock()
		return
	}
	l.writing = true
	for len(l.queue) > 0 && !l.down {
		b := l.takeLocked()
		l.mu.Unlock()
		rest, err := l.carrier.TryWrite(b)
		l.mu.Lock()
		if err != nil {
			l.failLocked()
			break
		}
		if len(rest) > 0 {
			l.rest, l.whole = rest, b
			l.mu.Unlock()
			l.signal()
			return // still writing: the writer goes on
		}
		l.recycleLocked(b)
	}
	l.writing = false
	l.mu.Unlock()
}

// Local reports whether a flush costs no system call, so that batches save
// nothing.
func (l *Link) Local() bool {
	_, ok := l.carrier.(*memory)
	return ok
}

// FlushLater has the link's writer write what is queued, together with what
// other goroutines queue meanwhile. For one of many senders.
func (l *Link) FlushLater() {
	if l.Local() {
		l.Flush()
		return
	}
	l.signal()
}

func (l *Link) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// OnIdle has Run call f when nothing more is there to be received, before it
// waits: the place to flush what the batches since the last call have caused.
// It must come before Run. f must not wait, and not close the link.
func (l *Link) OnIdle(f func()) { l.idle = f }

// Run receives frames until the link ends, and writes what Flush leaves over.
// receive is called from one goroutine at a time with whole frames, which are
// its own to read and change until it returns; it must not wait. What it causes is
// flushed by itself, or by OnIdle's function. An error of receive ends the link.
//
// Run returns nil when the other end has closed, ErrClosed after Close, and
// otherwise what went wrong. receive is not running when it returns.
func (l *Link) Run(receive func(batch []byte) error) error {
	written := make(chan struct{})
	go func() { // ends when the link is closed
		defer close(written)
		l.write()
	}()
	err := l.carrier.Read(receive, l.idle)
	select {
	case <-l.closed:
		err = ErrClosed
	default:
		l.Close()
	}
	<-written
	return err
}

// write is the writer: it waits where Flush may not.
func (l *Link) write() {
	for {
		select {
		case <-l.wake:
		case <-l.closed:
			return
		}
		// Let the goroutines that are ready add their frames to this batch.
		runtime.Gosched()
		l.mu.Lock()
		if len(l.rest) > 0 {
			rest, b := l.rest, l.whole
			l.rest, l.whole = nil, nil
			l.mu.Unlock()
			err := l.carrier.Write(rest)
			l.mu.Lock()
			if err != nil {
				l.failLocked()
			} else {
				l.recycleLocked(b)
			}
			l.writing = false
		}
		l.mu.Unlock()
		l.Flush()
	}
}

// Close ends the link; Run returns. What is queued and not written is lost.
func (l *Link) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.closed:
		return
	default:
	}
	close(l.closed)
	l.failLocked()
	l.carrier.Close()
}

// Drained reports whether all that was appended has been written or is lost.
func (l *Link) Drained() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.down || (!l.writing && len(l.queue) == 0)
}

// takeLocked takes the queue and leaves the spare buffer in its place.
func (l *Link) takeLocked() []byte {
	b := l.queue
	l.queue, l.spare = l.spare[:0], nil
	return b
}

func (l *Link) recycleLocked(b []byte) {
	if len(b) > cap(b)/4 || cap(b) <= minSpare {
		l.small = 0
	} else if l.small++; l.small > patience {
		l.small = 0
		return
	}
	l.spare = b[:0]
}

// failLocked ends writing. Reading goes on: the last words of an end that has
// died are still there to read.
func (l *Link) failLocked() {
	l.down = true
	l.queue, l.spare, l.rest, l.whole = nil, nil, nil, nil
}
