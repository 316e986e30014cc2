package kernel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
	"google.golang.org/grpc/status"

	"github.com/netcore-go/netcore/kernel/internal/process"
	"github.com/netcore-go/netcore/sdk/link"
	"github.com/netcore-go/netcore/sdk/plugin"
	pb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// frameVersion is the version of FRAMES.md that the kernel speaks.
const frameVersion = 1

// controlTimeout bounds each control call of a start.
const controlTimeout = 5 * time.Second

// start starts an instance: process, Describe, Configure, link, self-probe. It
// leaves nothing behind if it returns an error.
func (s *slot) start(ctx context.Context, inc uint64, im *image) (*instance, error) {
	k := s.k
	in := &instance{k: k, slot: s, inc: inc, image: im, started: time.Now(), emptied: make(chan struct{}, 1)}
	h, err := s.host(ctx, inc, im)
	if err != nil {
		return nil, err
	}
	in.host = h
	if err := s.ready(ctx, in); err != nil {
		h.kill()
		if p, ok := h.(*processHost); ok {
			p.close()
			<-h.done()
		}
		return nil, err
	}
	return in, nil
}

// host starts what the instance runs in.
func (s *slot) host(ctx context.Context, inc uint64, im *image) (host, error) {
	spec := s.spec()
	log := s.k.log.Named(s.name).With(zap.String("plugin", s.name), zap.Uint64("incarnation", inc))
	if spec.Local != nil {
		r, err := plugin.New(*spec.Local, slogger(log))
		if err != nil {
			return nil, err
		}
		return startLocal(r), nil
	}
	procs := spec.GOMAXPROCS
	if procs == 0 {
		procs = defaultProcs()
	}
	return startProcess(ctx, s.k.launcher, process.Spec{
		Name: s.name, Incarnation: inc, Path: im.path, Executable: im.file,
		Env: spec.Env, GOMAXPROCS: procs, RunDir: s.k.cfg.RunDir, Logger: log,
	})
}

// ready takes a host that runs to an instance that can serve.
func (s *slot) ready(ctx context.Context, in *instance) error {
	m, err := call(ctx, in.host.Describe, &pb.DescribeRequest{FrameVersions: []uint32{frameVersion}, KernelVersion: s.k.version})
	if err != nil {
		return fmt.Errorf("describe: %w", err)
	}
	in.manifest = m
	if err := s.fits(m); err != nil {
		return err
	}
	in.resumes = slices.Contains(m.Capabilities, "resume")
	carrier, err := s.carrier(m)
	if err != nil {
		return err
	}
	in.carrier = carrier
	if err := s.configure(ctx, in); err != nil {
		return err
	}
	links, err := in.host.connect(s.k.life, carrier)
	if err != nil {
		return fmt.Errorf("link: %w", err)
	}
	in.attach(links)
	if _, err := call(ctx, in.host.Health, &pb.HealthRequest{}); err != nil {
		in.closeLinks()
		return fmt.Errorf("health: %w", err)
	}
	return nil
}

// fits reports whether the plugin is what its slot needs.
func (s *slot) fits(m *pb.Manifest) error {
	if m.FrameVersion != frameVersion {
		return fmt.Errorf("it speaks frame version %d, the kernel %d", m.FrameVersion, frameVersion)
	}
	protocol := slices.ContainsFunc(m.Kinds, func(k pb.Kind) bool {
		return k == pb.Kind_KIND_STREAM_PROTOCOL || k == pb.Kind_KIND_PROTOCOL || k == pb.Kind_KIND_PACKET_PROTOCOL
	})
	handler := slices.Contains(m.Kinds, pb.Kind_KIND_HANDLER)
	switch {
	case s.protocol && !protocol:
		return fmt.Errorf("plugin %q %s is no protocol, but a listener's protocol names it", m.Name, m.Version)
	case !s.protocol && !handler:
		return fmt.Errorf("plugin %q %s is no handler, but a listener's handler names it", m.Name, m.Version)
	}
	return nil
}

// carrier chooses how frames travel.
func (s *slot) carrier(m *pb.Manifest) (Carrier, error) {
	spec := s.spec()
	if spec.Local != nil {
		return carrierMemory, nil
	}
	names := map[pb.Carrier]Carrier{pb.Carrier_CARRIER_UNIX: CarrierUnix, pb.Carrier_CARRIER_GRPC: CarrierGRPC}
	var offered []Carrier
	for _, c := range m.Carriers {
		if name, ok := names[c]; ok {
			offered = append(offered, name)
		}
	}
	switch {
	case len(offered) == 0:
		return "", errors.New("it offers no carrier that the kernel knows")
	case spec.Carrier == CarrierAuto:
		return offered[0], nil
	case !slices.Contains(offered, spec.Carrier):
		return "", fmt.Errorf("carrier %s is configured, but it offers only %v", spec.Carrier, offered)
	}
	return spec.Carrier, nil
}

// configure gives the plugin its configuration, once.
func (s *slot) configure(ctx context.Context, in *instance) error {
	carriers := map[Carrier]pb.Carrier{CarrierUnix: pb.Carrier_CARRIER_UNIX, CarrierGRPC: pb.Carrier_CARRIER_GRPC, carrierMemory: pb.Carrier_CARRIER_MEMORY}
	r := &pb.ConfigureRequest{Config: s.spec().Config, Carrier: carriers[in.carrier], Incarnation: in.inc}
	if s.protocol {
		r.Listeners = s.listenerConfigs()
	}
	answer, err := call(ctx, in.host.Configure, r)
	if err != nil {
		return fmt.Errorf("configure: %w", err)
	}
	return fieldError(answer.Error)
}

// fieldError turns a plugin's complaint into one that names the place.
func fieldError(e *pb.FieldError) error {
	switch {
	case e == nil:
		return nil
	case e.Listener != "" && e.Field != "":
		return fmt.Errorf("%w: listener %s: options.%s: %s", ErrInvalid, e.Listener, e.Field, e.Message)
	case e.Listener != "":
		return fmt.Errorf("%w: listener %s: options: %s", ErrInvalid, e.Listener, e.Message)
	case e.Field != "":
		return fmt.Errorf("%w: config.%s: %s", ErrInvalid, e.Field, e.Message)
	}
	return fmt.Errorf("%w: %s", ErrInvalid, e.Message)
}

// call makes one control call with a deadline.
func call[Q, A any](ctx context.Context, f func(context.Context, Q) (A, error), request Q) (A, error) {
	ctx, cancel := context.WithTimeout(ctx, controlTimeout)
	defer cancel()
	answer, err := f(ctx, request)
	if st, ok := status.FromError(err); ok && err != nil {
		err = errors.New(st.Message()) // without gRPC's own words
	}
	return answer, err
}

// run serves an instance until it has died or was stopped, and tells the slot.
func (in *instance) run() {
	s := in.slot
	ended := make(chan struct{})
	go func() { // ends with the links, which end with the process
		defer close(ended)
		in.read()
	}()
	select {
	case <-in.host.done():
	case <-in.host.hung():
		in.fail("hung: no sign of life for 2.5 s")
	case <-ended:
		in.awaitExit()
	}
	<-in.host.done()
	in.lastWords(ended)
	s.died(in)
}

// read serves the links until they have ended.
func (in *instance) read() {
	var readers sync.WaitGroup
	for _, r := range in.readers {
		readers.Go(func() {
			if err := r.link.Run(r.receive); err != nil && !errors.Is(err, link.ErrClosed) {
				in.fail(err.Error())
			}
		})
	}
	readers.Wait()
}

// awaitExit gives a process whose link has ended the time to end, too.
func (in *instance) awaitExit() {
	select {
	case <-in.host.done():
	case <-time.After(time.Second):
		in.fail("its link has ended, but it runs on")
	}
}

// lastWords waits until all that the dead process sent has been read.
func (in *instance) lastWords(ended <-chan struct{}) {
	select {
	case <-ended:
	case <-time.After(time.Second): // another process holds the other end
		in.closeLinks()
		<-ended
	}
}

// fail ends an instance because of what it did.
func (in *instance) fail(reason string) {
	if in.broke.CompareAndSwap(nil, &reason) {
		in.k.log.Error("plugin ended by the kernel", zap.Stringer("instance", in), zap.String("reason", reason))
	}
	in.host.kill()
}

// reason says why the instance has died.
func (in *instance) reason() string {
	r, err := in.broke.Load(), in.host.err()
	switch {
	case r == nil && err == nil:
		return "exited"
	case r == nil:
		return err.Error()
	case err == nil || errors.Is(err, process.ErrKilled):
		return *r
	}
	// It ended by itself, and what the kernel has noticed is only a sign of it.
	return fmt.Sprintf("%v; %s", err, *r)
}
