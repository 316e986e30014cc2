// Package nethost runs an [sdk.Protocol] or [sdk.PacketProtocol] behind a link.
//
//	OPEN, OFFER + descriptor ─▶ queue of conns ─▶ Accept of the protocol's own loop
//	                                                  │ Kernel.Open, Request
//	link ◀──────────── Session.Deliver, Close ◀───────┤
//	link ─▶ Host ─▶ session's queue ─▶ runner ─▶ Peer.Send, EndReply, Close
//
// A runner is a goroutine of one session that exists while its queue is not
// empty; it is what waits for a slow peer, so that the link's reader never does.
// A session is in one of these stations:
//
//	OPEN ─────────────────────────▶ live ──PREPARE, PREPARED──▶ resting
//	OFFER ─▶ offered ─READY▶ ready ──COMMIT──▶ ▲ ◀──────RESUME──────┘
//
// and leaves each of them by RELEASE, which forgets it, or by CLOSE.
//
// Offsets of byte streams are not known here: DATA has 0 in aux, and WRITTEN the
// bytes of payload sent on this binding. A crash cannot resume such connections;
// the offsets of a Record are those of the socket.
//
// Locks are taken in this order: session.mu, then the link's. No other two are
// held together, and none while the protocol runs or the link is flushed, since
// a link in memory runs the kernel then.
package nethost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/internal/part"
	"github.com/netcore-go/netcore/sdk/link"
	pluginpb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

const (
	// quiesceLimit bounds a PREPARE, with the wait for what was to be sent before.
	quiesceLimit = time.Second
	// adoptLimit bounds the time from OFFER to Kernel.Open.
	adoptLimit = 2 * time.Second
)

// A Host is the part of a plugin that runs a protocol with a loop of its own.
type Host struct {
	info      sdk.Info
	stream    sdk.Protocol       // one of stream and packet is set
	packet    sdk.PacketProtocol //
	env       part.Env
	log       *slog.Logger
	listeners map[uint32]*listener
	ctx       context.Context // of Serve; ends at Drain
	drain     context.CancelFunc
	done      chan error // capacity 1: the first Serve that ended early
	running   sync.WaitGroup
	quiesce   time.Duration
	adopt     time.Duration

	mu       sync.Mutex // guards the fields below
	sessions map[uint64]*session
	requests map[uint64]*request
	token    uint64
	closed   bool
}

var _ part.Part = (*Host)(nil)

// A ListenerError says which listener's options are wrong.
type ListenerError struct {
	Listener string
	Err      error
}

func (e *ListenerError) Error() string { return fmt.Sprintf("listener %s: %v", e.Listener, e.Err) }

// Unwrap returns the error without the listener; it may be an [*sdk.OptionError].
func (e *ListenerError) Unwrap() error { return e.Err }

// New returns a host of p or pp, exactly one of which is not nil. It checks the
// listeners' options, which may give a [*ListenerError], and starts nothing: a
// listener is served from its first OPEN, OFFER or LISTEN. env.Link may be nil;
// then Attach comes before the first frame.
func New(p sdk.Protocol, pp sdk.PacketProtocol, listeners []*pluginpb.ListenerConfig, env part.Env) (*Host, error) {
	if (p == nil) == (pp == nil) {
		return nil, errors.New("a host runs one protocol, over streams or over packets")
	}
	h := &Host{
		stream: p, packet: pp, env: env, log: env.Log,
		listeners: make(map[uint32]*listener), sessions: make(map[uint64]*session), requests: make(map[uint64]*request),
		done: make(chan error, 1), quiesce: quiesceLimit, adopt: adoptLimit,
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	var checker sdk.OptionChecker
	if p != nil {
		h.info = p.Info()
		checker, _ = p.(sdk.OptionChecker)
	} else {
		h.info = pp.Info()
		checker, _ = pp.(sdk.OptionChecker)
	}
	for _, cfg := range listeners {
		if err := h.add(cfg, checker); err != nil {
			return nil, &ListenerError{Listener: cfg.GetName(), Err: err}
		}
	}
	h.ctx, h.drain = context.WithCancel(context.Background())
	return h, nil
}

func (h *Host) add(cfg *pluginpb.ListenerConfig, checker sdk.OptionChecker) error {
	if _, ok := h.listeners[cfg.GetIndex()]; ok {
		return fmt.Errorf("index %d is taken", cfg.GetIndex())
	}
	if checker != nil {
		if err := checker.CheckOptions(cfg.GetOptions()); err != nil {
			return err
		}
	}
	h.listeners[cfg.GetIndex()] = newListener(h, cfg)
	return nil
}

// Attach gives a Host that was made without a link its link. It must come
// before Handle, and at most once.
func (h *Host) Attach(l *link.Link) { h.env.Link = l }

// Connections is how many connections the host holds.
func (h *Host) Connections() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.sessions)
}

// Done returns a channel of capacity 1 that gets the error of a Serve that
// ended before Drain or Close. The host cannot serve that listener again: the
// process should end.
func (h *Host) Done() <-chan error { return h.done }

// Drain ends the context of Serve: the protocol takes no more requests and ends
// its connections when they are idle.
func (h *Host) Drain() { h.drain() }

// Close lets go of all connections; see [part.Part]. Each Peer's Close is called
// with [sdk.ErrDraining]. It may be called more than once.
func (h *Host) Close() {
	h.drain()
	h.mu.Lock()
	h.closed = true
	sessions, requests := h.sessions, h.requests
	h.sessions, h.requests = make(map[uint64]*session), make(map[uint64]*request)
	h.mu.Unlock()
	for _, r := range requests {
		r.answer <- answer{err: sdk.ErrClosed}
	}
	for _, s := range sessions {
		s.let(sdk.ErrDraining)
	}
	for _, l := range h.listeners {
		l.close()
	}
	h.running.Wait()
}

// forget takes s out of the table.
func (h *Host) forget(s *session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sessions[s.number] == s {
		delete(h.sessions, s.number)
	}
}

// keep puts s into the table.
func (h *Host) keep(s *session) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return link.ErrClosed
	}
	if _, ok := h.sessions[s.number]; ok {
		return fmt.Errorf("connection %s is open already", s.ID())
	}
	h.sessions[s.number] = s
	return nil
}

// flush has the link written.
func (h *Host) flush() {
	if l := h.env.Link; l != nil {
		l.FlushLater()
	}
}

// served returns the sessions of l.
func (h *Host) served(l *listener) []*session {
	h.mu.Lock()
	defer h.mu.Unlock()
	var of []*session
	for _, s := range h.sessions {
		if s.listener == l {
			of = append(of, s)
		}
	}
	return of
}
