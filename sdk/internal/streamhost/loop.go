package streamhost

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netcore-go/netcore/sdk/internal/rawio"
)

// eventBatch is how many events a loop takes from epoll at once.
const eventBatch = 256

// headroom is how many unread bytes are copied before the next read of a
// connection, so that both are decoded in one piece without a buffer of its own.
const headroom = 4 << 10

// flushAt is how many bytes of messages a loop queues before it flushes within a
// batch, so that a few bulky connections do not hold up the others' messages.
const flushAt = 128 << 10

// maxBatches is how many batches of events a loop serves before it flushes,
// although there are more.
const maxBatches = 4

// localBatch is how many connections a loop reads before it flushes a link that
// costs no system call: replies leave while others are still being read.
const localBatch = 16

// A worker is the scratch space of a goroutine that acts on connections.
type worker struct {
	now     int64  // the clock at the start of its batch
	queued  int    // bytes of messages since the last flush
	buf     []byte // what was read; loops only
	scratch []byte // header blocks, codec output, codec state
	run     []byte // DATA frames of the connection that is read, not yet queued
}

// A loop waits for the sockets of some connections and reads them. Its epoll
// set is itself watched by Go's poller, so that waiting parks a goroutine and
// blocks no thread.
type loop struct {
	host   *Host
	file   *os.File // the epoll set
	raw    syscall.RawConn
	epoll  int
	work   worker
	events [eventBatch]unix.EpollEvent
	ready  [eventBatch]*conn
	n      int   // events taken
	err    error // of taking them
	// batches counts the batches of events since the last settle.
	batches int

	mu    sync.Mutex // guards the field below
	slots []*conn    // by descriptor, those in the epoll set
}

func newLoop(h *Host) (*loop, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	// The flag means nothing to epoll; it tells NewFile to use Go's poller.
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("epoll: %w", err)
	}
	l := &loop{host: h, file: os.NewFile(uintptr(fd), "epoll"), epoll: fd}
	if l.raw, err = l.file.SyscallConn(); err != nil {
		l.file.Close()
		return nil, fmt.Errorf("epoll: %w", err)
	}
	size := minReadSize
	for _, listener := range h.listeners {
		size = max(size, listener.readSize)
	}
	l.work.buf = make([]byte, headroom+size)
	return l, nil
}

// stop makes run return. The epoll set stays open until nobody can use its
// number any more.
func (l *loop) stop() {
	// A deadline in the past ends a wait; it cannot fail on a file that is
	// open and polled.
	_ = l.file.SetReadDeadline(time.Unix(1, 0))
}

// run serves the loop's connections until stop.
func (l *loop) run() {
	take := l.take
	for {
		// Read calls take at once, and again after each edge of the epoll set.
		// take leaves nothing behind before Read parks: no edge is lost.
		if err := l.raw.Read(take); err != nil {
			return
		}
		if l.err != nil {
			l.host.log.Error("epoll wait", "error", l.err)
			return
		}
		l.serve()
		if l.batches++; l.batches >= maxBatches {
			l.settle()
			runtime.Gosched() // the link's reader may share this loop's P
		}
	}
}

// take takes the next events. When there are none it flushes, and has the
// goroutine wait: what sockets have become readable meanwhile joins the batch.
func (l *loop) take(fd uintptr) bool {
	for {
		l.n, l.err = rawio.EpollReady(int(fd), l.events[:])
		if l.n > 0 || l.err != nil {
			return true
		}
		if l.batches == 0 {
			return false
		}
		l.settle()
	}
}

// settle ends a batch.
func (l *loop) settle() {
	l.batches = 0
	l.host.settle(&l.work)
}

// serve acts on a batch of events.
func (l *loop) serve() {
	l.resolve()
	l.work.now = l.host.clock()
	local := l.host.link.Local()
	for i := range l.n {
		c := l.ready[i]
		l.ready[i] = nil
		if c == nil {
			continue
		}
		c.handle(&l.work, l.events[i].Events)
		if l.work.queued >= flushAt || local && i%localBatch == localBatch-1 {
			l.work.queued = 0
			l.host.link.Flush()
		}
	}
}

// resolve finds the connections of the events, all under one lock. A descriptor
// that was closed and given out again meanwhile leads to a wrong connection,
// which then finds nothing to read.
func (l *loop) resolve() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.n {
		if fd := int(l.events[i].Fd); fd < len(l.slots) {
			l.ready[i] = l.slots[fd]
		}
	}
}

// settle ends a batch of whoever worked on connections: it lets those go on
// that waited for the budget, and flushes. No lock may be held.
func (h *Host) settle(w *worker) {
	for _, c := range h.budget.relieved() {
		c.mu.Lock()
		c.starved = false
		c.resumeLocked(w)
		c.mu.Unlock()
	}
	w.queued = 0
	h.link.Flush()
}
