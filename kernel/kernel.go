package kernel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"

	"github.com/netcore-go/netcore/kernel/internal/admission"
	"github.com/netcore-go/netcore/kernel/internal/conntrack"
	"github.com/netcore-go/netcore/kernel/internal/hub"
	"github.com/netcore-go/netcore/kernel/internal/process"
	"github.com/netcore-go/netcore/kernel/internal/queue"
	fsm "github.com/netcore-go/netcore/kernel/internal/slot"
	"github.com/netcore-go/netcore/sdk/link"
)

const (
	// stopTimeout is how long an instance that holds nothing may take to end.
	stopTimeout = 5 * time.Second
	// maxRooms bounds the rooms that one connection is in.
	maxRooms = 64
)

// Options are what a kernel is given besides its configuration.
type Options struct {
	// Logger gets the kernel's log and, tagged, that of its plugins. If nil,
	// nothing is logged.
	Logger *zap.Logger
	// Version is the version of the program, for status and plugins.
	Version string
}

// A Kernel runs a configuration. All methods may be called from any goroutine.
type Kernel struct {
	log     *zap.Logger
	version string
	cfg     Config // its RunDir never changes; the rest is guarded by mu

	launcher  *process.Launcher
	conns     conntrack.Table[conn]
	admission *admission.Gate
	hub       *hub.Hub
	idle      *idle
	buffers   queue.Pool
	closed    [link.CauseEnd]atomic.Int64 // connections, by cause
	ops       atomic.Uint64               // operation numbers of slots
	start     time.Time

	life  context.Context // ends when nothing more is to be started or waited for
	quit  context.CancelFunc
	ready chan struct{}
	gone  chan struct{} // closed when Run returns
	work  sync.WaitGroup

	stage    atomic.Int32
	drains   chan struct{} // closed by the first drain
	drainOne sync.Once
	force    chan struct{} // closed by Stop
	forceOne sync.Once

	reloading sync.Mutex // held by Reload, Run's start and the drain; taken before mu
	mu        sync.Mutex // guards the fields below
	slots     map[string]*slot
	listeners []*listener // by index; a closed one stays, as its connections do
}

// The stages of a kernel's life.
const (
	stageNew int32 = iota
	stageStarting
	stageServing
	stageDraining
	stageStopped
)

var stageNames = [...]string{"new", "starting", "serving", "draining", "stopped"}

// A listener is a Listener that is served.
type listener struct {
	Listener
	k       *Kernel
	index   int
	network string // "tcp" or "udp"
	address netip.AddrPort
	socket  *socket // nil for a packet listener
	packet  *packetSocket
	closed  atomic.Bool

	protocolSlot, handlerSlot *slot

	stats *stats // shared with the listener that it replaces
}

// New returns a kernel for cfg, which it checks. It starts nothing.
func New(cfg Config, opts Options) (*Kernel, error) {
	if opts.Logger == nil {
		opts.Logger = zap.NewNop()
	}
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	now := time.Now()
	k := &Kernel{
		log: opts.Logger, version: opts.Version, cfg: cfg,
		launcher: new(process.Launcher), hub: hub.New(maxRooms), idle: newIdle(now), start: now,
		ready: make(chan struct{}), gone: make(chan struct{}), drains: make(chan struct{}), force: make(chan struct{}),
		slots: make(map[string]*slot),
	}
	k.life, k.quit = context.WithCancel(context.Background())
	return k, nil
}

// Run starts plugins and listeners and serves until ctx ends or Drain is
// called; then it drains, at most for the drain timeout, and returns nil, or
// ErrUnclean if connections had to be cut off. Stop ends it at once. An error
// of the start leaves nothing running. A kernel runs once.
func (k *Kernel) Run(ctx context.Context) error {
	if !k.stage.CompareAndSwap(stageNew, stageStarting) {
		return errors.New("kernel: Run was called before")
	}
	defer close(k.gone)
	defer k.stage.Store(stageStopped)
	k.reloading.Lock()
	err := k.boot(ctx)
	k.reloading.Unlock()
	if err != nil {
		k.tearDown()
		return err
	}
	k.stage.CompareAndSwap(stageStarting, stageServing)
	close(k.ready)
	k.spawn(k.tick)
	select {
	case <-ctx.Done():
	case <-k.drains:
	case <-k.force:
	}
	return k.wind()
}

// boot starts what the configuration names.
func (k *Kernel) boot(ctx context.Context) error {
	if err := prepareRunDir(k.cfg.RunDir); err != nil {
		return err
	}
	if err := k.cfg.sweep(); err != nil {
		return err
	}
	if err := k.limits(); err != nil {
		return err
	}
	listeners, err := k.bindAll(ctx, k.cfg.Listeners)
	if err != nil {
		return err
	}
	k.install(k.cfg, listeners)
	if err := k.bootSlots(ctx); err != nil {
		for _, l := range listeners {
			l.close()
		}
		return err
	}
	for _, l := range listeners {
		k.open(l)
	}
	return nil
}

// bootSlots starts one instance of each plugin, side by side.
func (k *Kernel) bootSlots(ctx context.Context) error {
	slots := k.allSlots()
	errs := make([]error, len(slots))
	var wg sync.WaitGroup
	for i, s := range slots {
		wg.Go(func() { errs[i] = s.boot(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// boot starts a slot's first instance.
func (s *slot) boot(ctx context.Context) error {
	im, err := s.load("")
	if err != nil {
		return err
	}
	_, err = s.operate(ctx, im, func(op uint64) fsm.Event { return fsm.Boot{Op: op, Binary: im.binary()} })
	return err
}

// open begins to accept.
func (k *Kernel) open(l *listener) {
	k.log.Info("listening", zap.String("listener", l.Name), zap.String("protocol", l.Protocol), zap.Stringer("address", l.address), zap.String("handler", l.Handler))
	if l.socket != nil {
		l.socket.owner.Store(l)
		k.spawn(func() { k.serve(l.socket) })
	}
}

// tick drives the idle timeouts, and drops what a reload has left unused.
func (k *Kernel) tick() {
	swept := time.Now()
	t := time.NewTicker(idleTick)
	defer t.Stop()
	for {
		select {
		case now := <-t.C:
			k.expire(now)
			if now.Sub(swept) > time.Second && k.reloading.TryLock() {
				k.retireUnused()
				k.reloading.Unlock()
				swept = now
			}
		case <-k.life.Done():
			return
		}
	}
}

// spawn runs f in a goroutine that Run waits for.
func (k *Kernel) spawn(f func()) { k.work.Go(f) }

// pause waits, and reports whether the kernel still serves.
func (k *Kernel) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-k.life.Done():
		return false
	}
}

// Ready is closed when all listeners accept.
func (k *Kernel) Ready() <-chan struct{} { return k.ready }

// takeOver gives an instance the connections that no instance has.
func (k *Kernel) takeOver(in *instance) {
	if in == nil {
		return // it has died meanwhile
	}
	if in.slot.protocol {
		k.adopt(in)
	} else {
		k.rebind(in)
	}
}

// giveUp ends the connections of a slot that will not serve again: those that
// no protocol instance has, and those whose handler can be told nothing.
func (k *Kernel) giveUp(s *slot) {
	t := newTurn()
	k.conns.All(func(_ uint64, c *conn) bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		k.endHopeless(t, c)
		return true
	})
	t.flush()
}

// endHopeless ends a connection that waits for a slot that will not serve
// again. c.mu is held.
func (k *Kernel) endHopeless(t *turn, c *conn) {
	switch {
	case c.forgotten:
	case c.tie == tieNone && !c.done && !c.l.protocolSlot.hopeful():
		k.drop(t, c, link.CauseCrashed) // nobody will write to it
	case c.bond == bondNone && !c.l.handlerSlot.hopeful():
		k.end(t, c, link.CauseCrashed)
		k.progressEnd(t, c) // it may have been closing, and have waited to tell its handler
	}
}

func (k *Kernel) draining() bool { return k.stage.Load() >= stageDraining }

func (k *Kernel) forced() bool {
	select {
	case <-k.force:
		return true
	default:
		return false
	}
}

func (k *Kernel) allSlots() []*slot {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := make([]*slot, 0, len(k.slots))
	for _, s := range k.slots {
		all = append(all, s)
	}
	return all
}

func (k *Kernel) allListeners() []*listener {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]*listener(nil), k.listeners...)
}

func (k *Kernel) listenerAt(index int) *listener {
	k.mu.Lock()
	defer k.mu.Unlock()
	if index < 0 || index >= len(k.listeners) {
		return nil
	}
	return k.listeners[index]
}

// slotNamed returns the slot of that name.
func (k *Kernel) slotNamed(name string) (*slot, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.slots[name]
	if s == nil {
		return nil, fmt.Errorf("%w plugin %q", ErrUnknown, name)
	}
	return s, nil
}

// drainTimeout bounds drains and moves.
func (k *Kernel) drainTimeout() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.cfg.DrainTimeout
}

// serving returns the instance that serves a slot now, or nil.
func (k *Kernel) serving(s *slot) *instance { return s.serving.Load() }

func zapErr(err error) zap.Field { return zap.Error(err) }

// slogger gives plugins in this process the kernel's log.
func slogger(log *zap.Logger) *slog.Logger { return slog.New(zapslog.NewHandler(log.Core())) }
