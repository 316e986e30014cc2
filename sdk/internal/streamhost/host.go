package streamhost

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/internal/part"
	"github.com/netcore-go/netcore/sdk/link"
	pluginpb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

var errClosed = errors.New("host closed")

// A Host serves the connections of one stream protocol over one link.
type Host struct {
	link        *link.Link
	descriptors part.Descriptors
	log         *slog.Logger
	listeners   map[uint32]*listener
	streams     bool // sdk.Info.Streams
	loopCount   int
	clock       func() int64
	buffers     pool
	assemblies  sync.Pool // of *assembly
	budget      budget
	sweeper     sweeper
	stale       atomic.Uint64
	tasks       sync.WaitGroup // loops and sweeper

	// Of the link's reader, which is one goroutine at a time.
	work    worker
	headers headerTable
	last    *conn   // of the last frame of this batch
	held    *conn   // locked from frame to frame
	dirty   []*conn // with something to write
	woken   []*conn // that may decode again

	mu     sync.Mutex // guards the fields below
	conns  map[uint64]*conn
	loops  []*loop // nil until the first connection
	closed bool
}

var _ part.Part = (*Host)(nil)

// An Option changes how a Host works.
type Option func(*Host)

// WithLoops sets the number of epoll loops, between which connections are
// dealt out. If zero, one.
func WithLoops(n int) Option {
	return func(h *Host) { h.loopCount = max(n, 1) }
}

// New returns a Host for the given listeners of p. It starts nothing; the first
// connection does. An error about a listener's options is a [*ListenerError].
func New(p sdk.StreamProtocol, listeners []*pluginpb.ListenerConfig, env part.Env, opts ...Option) (*Host, error) {
	h := &Host{
		link:        env.Link,
		descriptors: env.Descriptors,
		log:         env.Log,
		listeners:   make(map[uint32]*listener, len(listeners)),
		streams:     p.Info().Streams,
		loopCount:   1,
		conns:       make(map[uint64]*conn),
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	base := time.Now()
	h.clock = func() int64 { return int64(time.Since(base)) + 1 } // 0 is "not set"
	h.budget.limit = linkBudget
	h.sweeper.init()
	for _, o := range opts {
		o(h)
	}
	for _, c := range listeners {
		l, err := newListener(p, c)
		if err != nil {
			return nil, err
		}
		h.listeners[c.GetIndex()] = l
	}
	return h, nil
}

// Connections is how many connections the host holds.
func (h *Host) Connections() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.conns)
}

// Stale is how many frames were dropped because they were late, or for a
// connection that the host does not hold or not in that state.
func (h *Host) Stale() uint64 { return h.stale.Load() }

// Close lets go of all connections, without a word to their peers, and returns
// when the loops have ended. It may be called more than once.
func (h *Host) Close() {
	h.mu.Lock()
	first := !h.closed
	h.closed = true
	loops := h.loops
	h.mu.Unlock()
	if first {
		for _, l := range loops {
			l.stop()
		}
		h.sweeper.stop()
	}
	h.tasks.Wait()
	if !first {
		return
	}
	for _, c := range h.snapshot(nil) {
		c.mu.Lock()
		c.forgetLocked()
		c.mu.Unlock()
	}
	for _, l := range loops {
		l.file.Close()
	}
}

// snapshot appends all connections to dst.
func (h *Host) snapshot(dst []*conn) []*conn {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.conns {
		dst = append(dst, c)
	}
	return dst
}

// find returns the connection of that number, nil if there is none. Only the
// link's reader calls it.
func (h *Host) find(id uint64) *conn {
	if h.last != nil && h.last.id == id {
		return h.last
	}
	h.mu.Lock()
	c := h.conns[id]
	h.mu.Unlock()
	h.last = c
	return c
}

// add takes c, which nobody else knows yet, into the table and gives it a loop.
func (h *Host) add(c *conn) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return errClosed
	}
	if _, ok := h.conns[c.id]; ok {
		return fmt.Errorf("connection %d is here already", c.id)
	}
	if err := h.startLocked(); err != nil {
		return err
	}
	c.loop = h.loops[c.id%uint64(len(h.loops))]
	h.conns[c.id] = c
	return nil
}

// startLocked starts the loops and the sweeper, unless they run.
func (h *Host) startLocked() error {
	if h.loops != nil {
		return nil
	}
	loops := make([]*loop, 0, h.loopCount)
	for range h.loopCount {
		l, err := newLoop(h)
		if err != nil {
			for _, l := range loops {
				l.file.Close()
			}
			return err
		}
		loops = append(loops, l)
	}
	h.loops = loops
	for _, l := range loops {
		h.tasks.Go(l.run) // ends at l.stop
	}
	h.tasks.Go(func() { h.sweeper.run(h) }) // ends at sweeper.stop
	return nil
}

func (h *Host) remove(c *conn) {
	h.mu.Lock()
	delete(h.conns, c.id)
	h.mu.Unlock()
}

// receive takes the descriptor that came with f.
func (h *Host) receive(f *link.Frame) (int, error) {
	if f.Flags&link.Descriptor == 0 {
		return -1, fmt.Errorf("%v of connection %d without a descriptor", f.Kind, f.Conn)
	}
	fd, err := h.descriptors.Receive()
	if err != nil {
		return -1, fmt.Errorf("descriptor of connection %d: %w", f.Conn, err)
	}
	// The flag is of the description, which other processes share: one of them
	// that forgot it would stop the loop.
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("descriptor of connection %d: %w", f.Conn, err)
	}
	return fd, nil
}
