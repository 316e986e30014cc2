// Package handlerhost runs an [sdk.MessageHandler] behind a link.
//
//	              ┌ inline: the link's reader calls the handler
//	link ─▶ shard ┤
//	              └ queued: connection's queue ─▶ worker of a bounded pool ─▶ handler
//
// A connection exists from BIND to the UNBIND that answers the kernel's. What
// belongs to it (messages, timers, its end) runs in its order; messages of
// streams run beside each other, in order within a stream.
//
// A Host has a shard for each of its links; a connection belongs to one.
//
// Locks are taken in this order: conn.mu, then Host.mu or output.mu, then the
// link's; for an inline handler conn.mu is output.mu. None is held while the
// handler runs, but for shard.turn, which makes the calls of an inline handler one
// after another, and none while the link is flushed, since a link in memory runs
// the kernel then.
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
	pool    pool
	closing sync.Once

	rooms  sync.Mutex // held over the frames of one broadcast; guards the fields below
	shards []*shard   // one for each link; none before Attach, and fixed after it
	early  []byte     // broadcasts before Attach

	mu     sync.RWMutex // guards the fields below
	conns  map[uint64]*conn
	warned map[string]bool // context values that were logged, by type
}

// A shard is the host's side of one link, and of the connections that pass by it.
type shard struct {
	*Host
	out  output
	turn sync.Mutex // held while an inline handler runs

	// Of the link's reader.
	batch bool      // within a batch
	now   time.Time // when the batch came
	last  *conn     // of the last frame: a batch mostly has several of one connection
}

var (
	_ part.Part = (*shard)(nil)
	_ sdk.Host  = (*Host)(nil)
)

// A ConfigError is what Configure of the handler returned.
type ConfigError struct{ Err error }

func (e *ConfigError) Error() string { return fmt.Sprintf("configure: %v", e.Err) }

// Unwrap returns the handler's error.
func (e *ConfigError) Unwrap() error { return e.Err }

// New configures and starts h. An error of the configuration is a
// [*ConfigError]. Attach comes before the first frame. If log is nil, nothing is
// logged.
func New(h sdk.MessageHandler, config []byte, log *slog.Logger) (*Host, error) {
	if c, ok := h.(sdk.Configurer); ok {
		if err := c.Configure(config); err != nil {
			return nil, &ConfigError{err}
		}
	}
	host := &Host{handler: h, log: log, conns: make(map[uint64]*conn), warned: make(map[string]bool)}
	if host.log == nil {
		host.log = slog.New(slog.DiscardHandler)
	}
	host.mover, _ = h.(sdk.Mover)
	host.resumer, _ = h.(sdk.Resumer)
	if in, ok := h.(sdk.Inline); ok {
		host.inline = in.Inline()
	}
	host.pool.init()
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

// Attach gives the host its links, at least one, and returns the part for each.
// It comes once. Closing one part closes the host.
func (h *Host) Attach(links ...*link.Link) []part.Part {
	h.rooms.Lock()
	defer h.rooms.Unlock()
	var parts []part.Part
	for _, l := range links {
		s := &shard{Host: h}
		s.out.inline, s.out.link = h.inline, l
		h.shards = append(h.shards, s)
		parts = append(parts, s)
	}
	links[0].AppendRaw(h.early)
	links[0].FlushLater()
	h.early = nil
	return parts
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

// Connections is how many connections are bound to the host; one shard counts
// for all.
func (h *shard) Connections() int {
	if h != h.shards[0] {
		return 0
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.conns)
}

// Drain ends the context of Start. Connections go on.
func (h *Host) Drain() { h.stop() }

// Close lets go of all connections; see [part.Part]. It waits for the methods
// of the handler that run, and calls none. It may be called more than once.
func (h *Host) Close() { h.closing.Do(h.close) }

func (h *Host) close() {
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
	for _, s := range h.attached() {
		s.out.close()
		s.awaitTurn()
	}
}

// awaitTurn returns when the handler's method that runs has returned.
func (h *shard) awaitTurn() {
	h.turn.Lock()
	defer h.turn.Unlock()
}

func (h *Host) attached() []*shard {
	h.rooms.Lock()
	defer h.rooms.Unlock()
	return h.shards
}
