package kernel

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	fsm "github.com/netcore-go/netcore/kernel/internal/slot"
	pb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// A slot is one plugin name: the state machine of package slot, and the hands
// that carry out its actions. Each action is done by a goroutine of its own or
// does not wait, and its outcome comes back as an event.
type slot struct {
	k        *Kernel
	name     string
	protocol bool

	// serving is the instance that gets new connections, or nil.
	serving atomic.Pointer[instance]
	given   atomic.Bool // quarantined or stopped: nothing will serve

	mu        sync.Mutex // guards the fields below
	plugin    Plugin
	listeners []*listener // that name a protocol slot
	state     fsm.State
	images    map[string]*image // by binary version; those that state names
	instances map[uint64]*instance
	replies   map[uint64]chan fsm.Reply
	timer     *time.Timer
	starting  map[uint64]context.CancelFunc
}

func newSlot(k *Kernel, name string, protocol bool, p Plugin) *slot {
	return &slot{
		k: k, name: name, protocol: protocol, plugin: p,
		images: make(map[string]*image), instances: make(map[uint64]*instance),
		replies: make(map[uint64]chan fsm.Reply), starting: make(map[uint64]context.CancelFunc),
	}
}

// hopeful reports whether an instance serves or may yet.
func (s *slot) hopeful() bool { return !s.given.Load() }

func (s *slot) spec() Plugin {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.plugin
}

// load opens the executable that an operation names; "" is the configured one.
func (s *slot) load(path string) (*image, error) {
	spec := s.spec()
	if spec.Local != nil {
		return &image{}, nil
	}
	sum := spec.SHA256
	if path == "" {
		path = spec.Path
	} else if path != spec.Path {
		sum = "" // the configured hash is of another file
	}
	return loadImage(path, sum)
}

// operate runs one operation and waits for its outcome. event is given the
// operation's number.
func (s *slot) operate(ctx context.Context, im *image, event func(op uint64) fsm.Event) (fsm.Reply, error) {
	op := s.k.ops.Add(1)
	reply := make(chan fsm.Reply, 1) // capacity 1: the state machine never waits
	s.mu.Lock()
	s.replies[op] = reply
	s.keepLocked(im)
	s.stepLocked(event(op))
	s.mu.Unlock()
	select {
	case r := <-reply:
		return r, s.named(r.Err)
	case <-ctx.Done():
		return fsm.Reply{}, fmt.Errorf("plugin %s: %w", s.name, ctx.Err())
	}
}

// named names the slot in an error, and makes it the kernel's own kind.
func (s *slot) named(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("plugin %s: %w", s.name, fromSlot(err))
}

func (s *slot) step(e fsm.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stepLocked(e)
}

func (s *slot) stepLocked(e fsm.Event) {
	var actions []fsm.Action
	before := s.state.Mode
	s.state, actions = fsm.Next(s.state, e)
	s.given.Store(s.state.Mode == fsm.Quarantined || s.state.Mode == fsm.Stopped)
	if s.state.Mode != before {
		s.k.log.Debug("slot", zap.String("plugin", s.name), zap.Stringer("state", s.state))
	}
	for _, a := range actions {
		s.doLocked(a)
	}
	s.pruneLocked()
}

func (s *slot) doLocked(a fsm.Action) {
	switch a := a.(type) {
	case fsm.Start:
		im := s.images[a.Binary.Version]
		ctx, cancel := context.WithCancel(s.k.life)
		s.starting[a.Inc] = cancel
		s.k.spawn(func() { s.startInstance(ctx, a.Inc, im) })
	case fsm.Serve:
		in := s.instances[a.Inc]
		s.serving.Store(in)
		s.k.spawn(func() { s.k.takeOver(in) })
	case fsm.Move:
		from, to := s.instances[a.From], s.instances[a.To]
		s.k.spawn(func() { s.move(from, to) })
	case fsm.Adopt:
		in := s.instances[a.To]
		s.k.spawn(func() { s.k.takeOver(in) })
	case fsm.Retire:
		in := s.instances[a.Inc]
		in.retired.Store(true)
		s.k.spawn(func() { s.retire(in) })
	case fsm.Kill:
		if cancel := s.starting[a.Inc]; cancel != nil {
			cancel()
		}
		if in := s.instances[a.Inc]; in != nil {
			in.retired.Store(true)
			in.host.kill()
		}
	case fsm.SetTimer:
		s.setTimerLocked(a.At)
	case fsm.Reply:
		if ch := s.replies[a.Op]; ch != nil {
			delete(s.replies, a.Op)
			ch <- a
		}
	case fsm.Quarantine:
		s.k.log.Error("plugin quarantined", zap.String("plugin", s.name), zap.String("reason", a.Reason))
		s.k.spawn(func() { s.k.giveUp(s) })
	}
}

func (s *slot) setTimerLocked(at time.Time) {
	if s.timer != nil {
		s.timer.Stop()
	}
	s.timer = time.AfterFunc(time.Until(at), func() { s.step(fsm.Timer{Now: time.Now()}) })
}

// startInstance starts an instance and runs it to its end.
func (s *slot) startInstance(ctx context.Context, inc uint64, im *image) {
	in, err := s.start(ctx, inc, im)
	s.mu.Lock()
	unwanted := ctx.Err() != nil // Kill came meanwhile
	s.starting[inc]()
	delete(s.starting, inc)
	if err != nil {
		s.k.log.Error("plugin did not start", zap.String("plugin", s.name), zap.Uint64("incarnation", inc), zap.Error(err))
		s.stepLocked(fsm.StartFailed{Inc: inc, Reason: err.Error(), Now: time.Now(), Rand: rand.Float64()})
		s.mu.Unlock()
		return
	}
	s.instances[inc] = in
	if unwanted {
		in.retired.Store(true)
		in.host.kill()
	} else {
		s.k.log.Info("plugin started", zap.Stringer("instance", in), zap.Int("pid", in.host.pid()), zap.String("carrier", string(in.carrier)))
		s.stepLocked(fsm.Started{Inc: inc})
	}
	s.mu.Unlock()
	if s.protocol && in.manifest.Network == "udp" {
		s.k.lendSockets(in)
	}
	in.run()
}

// died acts on the end of an instance: it is known to be dead, and its link was
// read to the end.
func (s *slot) died(in *instance) {
	in.dead.Store(true)
	s.serving.CompareAndSwap(in, nil)
	if s.protocol {
		s.k.orphan(in)
	} else {
		s.k.bereave(in)
	}
	event := fsm.Event(fsm.Died{Inc: in.inc, Reason: in.reason(), Now: time.Now(), Rand: rand.Float64()})
	if in.retired.Load() {
		event = fsm.Exited{Inc: in.inc, Now: time.Now(), Rand: rand.Float64()}
		s.k.log.Info("plugin ended", zap.Stringer("instance", in))
	} else {
		s.k.log.Error("plugin died", zap.Stringer("instance", in), zap.String("reason", in.reason()))
	}
	s.mu.Lock()
	delete(s.instances, in.inc)
	s.stepLocked(event)
	s.serving.CompareAndSwap(in, nil) // its own successor's death may have put it back
	s.mu.Unlock()
	if to := s.serving.Load(); to != nil {
		s.k.takeOver(to) // what a draining instance still had
	} else if !s.hopeful() {
		s.k.giveUp(s)
	}
}

// move moves the connections of from to its successor, for the drain timeout.
func (s *slot) move(from, to *instance) {
	if from == nil || to == nil {
		return // one has died: its event is on its way
	}
	from.pauses.take() // of a move before this one that did not succeed
	ctx, cancel := context.WithTimeout(s.k.life, s.k.drainTimeout())
	defer cancel()
	if s.protocol {
		m := newMove(from, to)
		s.k.moveProtocol(ctx, m)
		s.k.abandon(m)
	} else {
		s.k.moveHandler(ctx, from, to)
		if to.dead.Load() {
			s.k.unholdAll(from)
		}
	}
	switch {
	case from.dead.Load() || to.dead.Load():
	case from.conns.Load() == 0:
		s.step(fsm.MoveDone{From: from.inc})
	default:
		s.step(fsm.DrainLimit{Inc: from.inc})
	}
}

// retire stops an instance once it holds nothing, or kills it at the drain limit.
func (s *slot) retire(in *instance) {
	limit := time.NewTimer(s.k.drainTimeout())
	defer limit.Stop()
	for in.conns.Load() > 0 && !s.k.forced() {
		select {
		case <-in.emptied:
		case <-s.k.force:
		case <-in.host.done():
			return
		case <-limit.C:
			s.step(fsm.DrainLimit{Inc: in.inc})
			return
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	in.host.stop(ctx)
}

// keepLocked remembers the image of a binary.
func (s *slot) keepLocked(im *image) {
	if im == nil {
		return
	}
	key := im.binary().Version
	if s.images[key] != nil {
		im.close()
		return
	}
	s.images[key] = im
}

// pruneLocked closes images that nothing names any more.
func (s *slot) pruneLocked() {
	st := &s.state
	named := map[string]bool{
		st.Binary.Version: true, st.Previous.Version: true,
		st.Serving.Binary.Version: true, st.Next.Binary.Version: true, st.Old.Binary.Version: true,
	}
	for key, im := range s.images {
		if !named[key] {
			im.close()
			delete(s.images, key)
		}
	}
}

// listenerConfigs is what a protocol plugin is told of its listeners.
func (s *slot) listenerConfigs() []*pb.ListenerConfig {
	s.mu.Lock()
	defer s.mu.Unlock()
	configs := make([]*pb.ListenerConfig, 0, len(s.listeners))
	for _, l := range s.listeners {
		configs = append(configs, &pb.ListenerConfig{
			Index: uint32(l.index), Name: l.Name, Options: l.Options,
			ReadTimeoutNs: int64(l.Limits.ReadTimeout), WriteTimeoutNs: int64(l.Limits.WriteTimeout),
			HeartbeatIntervalNs: int64(l.HeartbeatInterval), HeartbeatTimeoutNs: int64(l.HeartbeatTimeout),
		})
	}
	return configs
}
