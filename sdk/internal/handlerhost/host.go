// Package handlerhost runs an [sdk.MessageHandler] behind a link.
//
//	             ┌ inline: the link's reader calls the handler
//	link ─▶ Host ┤
//	             └ queued: connection's queue ─▶ worker of a bounded pool ─▶ handler
//
// A connection exists from BIND to the UNBIND that answers the kernel's. What
// belongs to it (messages, timers, its end) runs in its order; messages of
// streams run beside each other, in order within a stream.
//
// Locks are taken in this order: conn.mu, then Host.mu or output.mu, then the
// link's. None is held while the handler runs, but for Host.turn, which makes
// the calls of an inline handler one after another, and none while the link is
// flushed, since a link in memory runs the kernel then.
package handlerhost

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/internal/part"
	"github.com/netcore-go/netcore/sdk/link"
)

// A Host is the part of a plugin that runs a handler, and the handler's
// [sdk.Host].
type Host struct {
	handler sdk.MessageHandler
	mover   sdk.Mover   // nil if the handler is none
	resumer sdk.Resumer // nil if the handler is none
	inline  bool
	log     *slog.Logger
	stop    context.CancelFunc // ends the context of Start
	out     output
	pool    pool

	turn sync.Mutex // held while an inline handler runs

	// Of the link's reader.
	batch bool      // within a batch
	now   time.Time // when the batch came
	last  *conn     // of the last frame: a batch mostly has several of one connection

	rooms sync.Mutex // held over the frames of one broadcast
	early []byte     // broadcasts before Attach; guarded by rooms

	mu     sync.RWMutex // guards the fields below
	conns  map[uint64]*conn
	warned map[string]bool // context values that were logged, by type
}

var (
	_ part.Part = (*Host)(nil)
	_ sdk.Host  = (*Host)(nil)
)

// A ConfigError is what Configure of the handler returned.
type ConfigError struct{ Err error }

func (e *ConfigError) Error() string { return fmt.Sprintf("configure: %v", e.Err) }

// Unwrap returns the handler's error.
func (e *ConfigError) Unwrap() error { return e.Err }

// New configures and starts h. An error of the configuration is a
// [*ConfigError]. env.Link may be nil; then Attach comes before
// the first frame.
func New(h sdk.MessageHandler, config []byte, env part.Env) (*Host, error) {
	if c, ok := h.(sdk.Configurer); ok {
		if err := c.Configure(config); err != nil {
			return nil, &ConfigError{err}
		}
	}
	host := &Host{handler: h, log: env.Log, conns: make(map[uint64]*conn), warned: make(map[string]bool)}
	if host.log == nil {
		host.log = slog.New(slog.DiscardHandler)
	}
	host.mover, _ = h.(sdk.Mover)
	host.resumer, _ = h.(sdk.Resumer)
	if in, ok := h.(sdk.Inline); ok {
		host.inline = in.Inline()
	}
	host.pool.init()
	host.out.inline = host.inline
	host.out.link = env.Link
	ctx, stop := context.WithCancel(context.Background())
	host.stop = stop
	if s, ok := h.(sdk.Starter); ok {
		if err := s.Start(ctx, host); err != nil {
			host.Close()
			return nil, fmt.Errorf("start: %w", err)
		}
	}
	return host, nil
}

// Attach gives a Host that was made without a link its link. It must come
// before Handle, and at most once.
func (h *Host) Attach(l *link.Link) {
	h.rooms.Lock()
	h.out.link = l
	var f link.Frame
	for len(h.early) > 0 {
		rest, err := link.Next(h.early, &f)
		if err != nil {
			break // cannot be: Broadcast has written it
		}
		l.Append(&f)
		h.early = rest
	}
	h.early = nil
	h.rooms.Unlock()
	l.FlushLater()
}

// Capabilities returns what the manifest says about h.
func Capabilities(h sdk.MessageHandler) []string {
	if _, ok := h.(sdk.Resumer); ok {
		return []string{"resume"}
	}
	return nil
}

// Capabilities returns what the manifest says about the handler.
func (h *Host) Capabilities() []string { return Capabilities(h.handler) }

func (h *Host) lookup(number uint64) *conn {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.conns[number]
}

// Connections is how many connections are bound to the host.
func (h *Host) Connections() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.conns)
}

// Drain ends the context of Start. Connections go on.
func (h *Host) Drain() { h.stop() }

// Close lets go of all connections; see [part.Part]. It waits for the methods
// of the handler that run, and calls none.
func (h *Host) Close() {
	h.stop()
	h.mu.Lock()
	conns := h.conns
	h.conns = make(map[uint64]*conn)
	h.mu.Unlock()
	for _, c := range conns {
		c.mu.Lock()
		c.endLocked(ended)
		c.done = true
		c.mu.Unlock()
	}
	h.pool.close()
	h.out.close()
	h.turn.Lock() // an inline handler's timer has returned
	defer h.turn.Unlock()
}
