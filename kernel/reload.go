package kernel

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"sync"

	"go.uber.org/zap"

	fsm "github.com/netcore-go/netcore/kernel/internal/slot"
)

// Check reports what Run would find wrong with cfg, errors of listening aside:
// it starts each plugin, has it look at its configuration, and stops it.
func Check(ctx context.Context, cfg Config, opts Options) error {
	k, err := New(cfg, opts)
	if err != nil {
		return err
	}
	if err := prepareRunDir(k.cfg.RunDir); err != nil {
		return err
	}
	// A kernel that runs with this configuration has its instances' sockets there.
	dir, err := os.MkdirTemp("", "netcore-check-")
	if err != nil {
		return fmt.Errorf("directory for a check: %w", err)
	}
	defer os.RemoveAll(dir)
	k.cfg.RunDir = dir
	if err := k.limits(); err != nil {
		return err
	}
	var listeners []*listener
	for _, l := range k.cfg.Listeners {
		listeners = append(listeners, k.newListener(l))
	}
	k.install(k.cfg, listeners)
	err = k.tryAll(ctx)
	k.quit()
	k.launcher.Close()
	return err
}

// tryAll starts an instance of each plugin and stops it.
func (k *Kernel) tryAll(ctx context.Context) error {
	slots := k.allSlots()
	errs := make([]error, len(slots))
	var wg sync.WaitGroup
	for i, s := range slots {
		wg.Go(func() { errs[i] = s.try(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (s *slot) try(ctx context.Context) error {
	im, err := s.load("")
	if err != nil {
		return err
	}
	defer im.close()
	in, err := s.start(ctx, 1, im)
	if err != nil {
		return s.named(err)
	}
	for _, r := range in.readers {
		go r.link.Run(r.receive) // ends with the instance
	}
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	in.host.stop(ctx)
	return nil
}

// Reload changes the running configuration to cfg, whole or not at all.
// Listeners that are new are opened; those that are gone stop accepting, and
// their connections go on until they end. A plugin whose executable, config or
// listeners differ is swapped. Connections keep the options and limits of the
// listener that they came by. RunDir and MaxConnections cannot change.
func (k *Kernel) Reload(ctx context.Context, cfg Config) error {
	cfg, err := cfg.complete()
	if err != nil {
		return err
	}
	k.reloading.Lock()
	defer k.reloading.Unlock()
	if k.stage.Load() != stageServing {
		return ErrDraining
	}
	if cfg.RunDir != k.cfg.RunDir {
		return fmt.Errorf("%w: run_dir cannot change from %s to %s while netcore runs; restart it", ErrInvalid, k.cfg.RunDir, cfg.RunDir)
	}
	if cfg.MaxConnections != 0 && cfg.MaxConnections != k.maxConnections() {
		return fmt.Errorf("%w: max_connections cannot change from %d to %d while netcore runs; restart it", ErrInvalid, k.maxConnections(), cfg.MaxConnections)
	}
	r := &reload{k: k, cfg: cfg, old: make(map[string]*listener)}
	if err := r.plan(ctx); err != nil {
		return err
	}
	if err := r.apply(ctx); err != nil {
		r.undo()
		return err
	}
	r.commit()
	return nil
}

// A reload is one change of the configuration under way.
type reload struct {
	k   *Kernel
	cfg Config

	old     map[string]*listener // serving, by name
	fresh   []*listener          // new or changed, in the order of cfg
	taken   map[*listener]*listener
	gone    []*listener
	changed []*slotChange
	booted  []*slot
}

// A slotChange is a slot whose plugin is to be swapped.
type slotChange struct {
	s       *slot
	plugin  Plugin
	before  Plugin
	swapped bool
}

// plan compares, and opens the sockets that are missing.
func (r *reload) plan(ctx context.Context) error {
	for _, l := range r.k.allListeners() {
		if !l.closed.Load() {
			r.old[l.Name] = l
		}
	}
	if err := r.roles(); err != nil {
		return err
	}
	r.taken = make(map[*listener]*listener)
	named := make(map[string]bool)
	var missing []Listener
	for _, cfg := range r.cfg.Listeners {
		named[cfg.Name] = true
		old := r.old[cfg.Name]
		switch {
		case old != nil && reflect.DeepEqual(old.Listener, cfg):
		case old != nil && old.Address == cfg.Address && old.Packet == cfg.Packet:
			l := r.k.newListener(cfg)
			l.socket, l.packet, l.address, l.stats = old.socket, old.packet, old.address, old.stats
			r.taken[l] = old
			r.fresh = append(r.fresh, l)
		default:
			missing = append(missing, cfg)
			if old != nil {
				r.gone = append(r.gone, old)
			}
		}
	}
	for name, l := range r.old {
		if !named[name] {
			r.gone = append(r.gone, l)
		}
	}
	bound, err := r.k.bindAll(ctx, missing)
	r.fresh = append(r.fresh, bound...)
	return err
}

// roles reports a plugin that is to be a protocol and runs as a handler, or the
// other way round.
func (r *reload) roles() error {
	runs := make(map[string]bool) // whether as a protocol
	for _, s := range r.k.allSlots() {
		runs[s.name] = s.protocol
	}
	for _, l := range r.cfg.Listeners {
		if protocol, ok := runs[l.Protocol]; ok && !protocol {
			return fmt.Errorf("%w: listener %s: plugin %s runs as a handler", ErrInvalid, l.Name, l.Protocol)
		}
		if protocol, ok := runs[l.Handler]; ok && protocol {
			return fmt.Errorf("%w: listener %s: plugin %s runs as a protocol", ErrInvalid, l.Name, l.Handler)
		}
	}
	return nil
}

// apply starts and swaps plugins; nothing new reaches a client yet.
func (r *reload) apply(ctx context.Context) error {
	k := r.k
	known := make(map[*slot]bool)
	for _, s := range k.allSlots() {
		known[s] = true
	}
	k.install(r.cfg, r.fresh)
	slots := k.allSlots()
	for _, s := range slots { // all of them before one fails: undo drops them
		if !known[s] {
			r.booted = append(r.booted, s)
		}
	}
	for _, s := range slots {
		if !known[s] {
			if err := s.boot(ctx); err != nil {
				return err
			}
			continue
		}
		if c := r.change(s); c != nil {
			r.changed = append(r.changed, c)
			if err := c.swap(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// change returns what has changed for a slot, or nil.
func (r *reload) change(s *slot) *slotChange {
	plugin, used := r.cfg.Plugins[s.name]
	if !used {
		return nil
	}
	before := s.spec()
	differs := !reflect.DeepEqual(before, plugin)
	for _, l := range r.fresh {
		differs = differs || l.protocolSlot == s
	}
	if !differs {
		return nil
	}
	return &slotChange{s: s, plugin: plugin, before: before}
}

func (c *slotChange) swap(ctx context.Context) error {
	c.s.setPlugin(c.plugin)
	im, err := c.s.load("")
	if err != nil {
		return err
	}
	_, err = c.s.operate(ctx, im, func(op uint64) fsm.Event { return fsm.SwapRequested{Op: op, Binary: im.binary()} })
	c.swapped = err == nil
	return err
}

// undo goes back to what was before apply.
func (r *reload) undo() {
	k := r.k
	for _, l := range r.fresh {
		if r.taken[l] == nil {
			l.close()
		}
		k.uninstall(l)
	}
	for _, c := range r.changed {
		c.s.setPlugin(c.before)
		if !c.swapped {
			continue
		}
		back := &slotChange{s: c.s, plugin: c.before}
		if err := k.retrySwap(back); err != nil {
			k.log.Error("reload: going back", zap.String("plugin", c.s.name), zap.Error(err))
		}
	}
	for _, s := range r.booted {
		k.dropSlot(s)
	}
}

// commit lets clients see the change.
func (r *reload) commit() {
	k := r.k
	for l, old := range r.taken {
		old.closed.Store(true)
		if l.socket != nil {
			l.socket.owner.Store(l)
		}
	}
	for _, l := range r.gone {
		l.close()
	}
	for _, l := range r.fresh {
		if r.taken[l] == nil {
			k.open(l)
		}
	}
	k.mu.Lock()
	k.cfg.Listeners, k.cfg.Plugins = r.cfg.Listeners, r.cfg.Plugins
	k.cfg.DrainTimeout = r.cfg.DrainTimeout
	k.mu.Unlock()
	k.log.Info("reloaded", zap.Int("listeners_changed", len(r.fresh)), zap.Int("listeners_closed", len(r.gone)),
		zap.Int("plugins_swapped", len(r.changed)), zap.Int("plugins_started", len(r.booted)))
	k.retireUnused()
}

// retrySwap swaps a slot as soon as its last operation has been cleaned up.
func (k *Kernel) retrySwap(c *slotChange) error {
	ctx, cancel := context.WithTimeout(k.life, 2*k.drainTimeout())
	defer cancel()
	for {
		err := c.swap(ctx)
		if !errors.Is(err, ErrBusy) || !k.pause(drainPass) {
			return err
		}
	}
}

// uninstall takes back a listener that install has added. It stays in the list,
// since its index is not given out again.
func (k *Kernel) uninstall(l *listener) {
	if l.protocolSlot == nil {
		return // it was not added
	}
	l.closed.Store(true)
	s := l.protocolSlot
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners = slices.DeleteFunc(s.listeners, func(o *listener) bool { return o == l })
}

// dropSlot stops a slot and forgets it.
func (k *Kernel) dropSlot(s *slot) {
	s.stop()
	s.release()
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.slots, s.name)
}

// retireUnused drops the slots that no listener names any more, once their last
// connection has ended.
func (k *Kernel) retireUnused() {
	used := make(map[*slot]bool)
	for _, l := range k.allListeners() {
		if !l.closed.Load() || l.stats.active.Load() > 0 {
			used[l.protocolSlot], used[l.handlerSlot] = true, true
		}
	}
	for _, s := range k.allSlots() {
		if !used[s] {
			k.log.Info("plugin is not used any more", zap.String("plugin", s.name))
			k.dropSlot(s)
		}
	}
}

func (s *slot) setPlugin(p Plugin) {
	s.mu.Lock()
	s.plugin = p
	s.mu.Unlock()
}
