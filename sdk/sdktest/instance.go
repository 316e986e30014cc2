package sdktest

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/link"
	"github.com/netcore-go/netcore/sdk/plugin"
	pb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// A Carrier says what carries an instance's link.
type Carrier int

// The carriers. Memory is for a plugin in the test's own process.
const (
	Memory Carrier = iota
	Unix
	GRPC
)

// String returns the carrier's name, as in the names of subtests.
func (c Carrier) String() string { return [...]string{"memory", "unix", "grpc"}[c] }

func (c Carrier) wire() pb.Carrier {
	return [...]pb.Carrier{pb.Carrier_CARRIER_MEMORY, pb.Carrier_CARRIER_UNIX, pb.Carrier_CARRIER_GRPC}[c]
}

// A Spec says which plugin to start, and how.
type Spec struct {
	// Plugin runs in the test's process, with the carrier Memory.
	Plugin sdk.Plugin
	// Command is the executable and its arguments, and Env variables in
	// addition to the test's own, for the other carriers.
	Command []string
	Env     []string
	Carrier Carrier
	// Options are those of a protocol's listener, or a handler's config: JSON,
	// or nothing.
	Options []byte
}

// control is the control half of the contract.
type control interface {
	Describe(context.Context, *pb.DescribeRequest) (*pb.Manifest, error)
	Configure(context.Context, *pb.ConfigureRequest) (*pb.ConfigureResponse, error)
	Health(context.Context, *pb.HealthRequest) (*pb.HealthResponse, error)
	Stop(context.Context, *pb.StopRequest) (*pb.StopResponse, error)
}

// body is what an instance runs in.
type body interface {
	control
	connect(ctx context.Context, c Carrier) (*link.Link, error)
	sendDescriptor(fd int) error
	kill()
	// wait returns when nothing of it is left; an error if it did not end as
	// it should have.
	wait() error
	memory() (bytes int64)
}

// An Instance is one running plugin.
type Instance struct {
	k       *Kernel
	body    body
	link    *link.Link
	name    string
	kind    pb.Kind
	streams bool
	ended   chan struct{} // closed when all that the plugin has said was heard
	once    sync.Once
	fdMu    sync.Mutex // keeps descriptors and the frames that announce them in one order
	exit    error      // of body.wait, after once

	// Guarded by k.mu.
	expected  bool                    // its end is wanted
	broadcast map[uint64]*sdk.Message // one that has not ended
	room      string                  // where to
	except    uint64                  // whom to leave out
}

// Start starts a plugin: Describe, Configure, link.
func (k *Kernel) Start(s Spec) *Instance {
	k.t.Helper()
	in, err := k.TryStart(s)
	if err != nil {
		k.t.Fatalf("start plugin: %v", err)
	}
	return in
}

// TryStart is Start for a plugin that may not start.
func (k *Kernel) TryStart(s Spec) (*Instance, error) {
	k.t.Helper()
	var b body
	var err error
	if s.Carrier == Memory {
		b, err = newLocal(s.Plugin)
	} else {
		b, err = newProcess(k.t, s)
	}
	if err != nil {
		return nil, err
	}
	in := &Instance{k: k, body: b, ended: make(chan struct{})}
	if err := in.begin(s); err != nil {
		b.kill()
		_ = b.wait() // what went wrong is known
		return nil, err
	}
	k.mu.Lock()
	k.instances = append(k.instances, in)
	k.mu.Unlock()
	go func() { // ends with the link
		defer close(in.ended)
		in.over(in.link.Run(in.receive))
	}()
	return in, nil
}

func (in *Instance) begin(s Spec) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	m, err := in.body.Describe(ctx, &pb.DescribeRequest{FrameVersions: []uint32{1}, KernelVersion: "sdktest"})
	if err != nil {
		return err
	}
	switch {
	case m.GetName() == "" || len(m.GetKinds()) != 1 || m.GetFrameVersion() != 1:
		return errors.New("manifest without a name, one kind and frame version 1: " + m.String())
	case !slices.Contains(m.GetCarriers(), s.Carrier.wire()):
		return errors.New("the plugin does not offer the carrier " + s.Carrier.String())
	}
	in.name, in.kind, in.streams = m.GetName(), m.GetKinds()[0], m.GetStreams()
	req := &pb.ConfigureRequest{Carrier: s.Carrier.wire(), Incarnation: 1}
	if in.kind == pb.Kind_KIND_HANDLER {
		req.Config = s.Options
	} else {
		req.Listeners = []*pb.ListenerConfig{{Index: listenerIndex, Name: "test", Options: s.Options}}
	}
	resp, err := in.body.Configure(ctx, req)
	if err != nil {
		return err
	}
	if e := resp.GetError(); e != nil {
		return &sdk.OptionError{Field: e.GetField(), Err: errors.New(e.GetMessage())}
	}
	in.link, err = in.body.connect(context.Background(), s.Carrier)
	return err
}

// over is called when the link has ended.
func (in *Instance) over(err error) {
	in.k.mu.Lock()
	defer in.k.mu.Unlock()
	if !in.expected {
		in.k.t.Errorf("plugin %s has ended its link: %v", in.name, err)
	}
	in.k.change.Broadcast()
}

func (in *Instance) receive(batch []byte) error {
	k := in.k
	var f link.Frame
	k.mu.Lock()
	defer k.unlock()
	defer k.change.Broadcast()
	for len(batch) > 0 {
		rest, err := link.Next(batch, &f)
		if err != nil {
			k.t.Errorf("plugin %s: %v", in.name, err)
			return err
		}
		if in.kind == pb.Kind_KIND_HANDLER {
			k.fromHandlerLocked(in, &f)
		} else {
			k.fromProtocolLocked(in, &f)
		}
		batch = rest
	}
	return nil
}

// Send sends frames as they are, in one batch.
func (in *Instance) Send(frames ...link.Frame) {
	in.k.mu.Lock()
	defer in.k.unlock()
	for i := range frames {
		in.k.sendLocked(in, &frames[i])
	}
}

// Kill ends the plugin without warning: kill -9 of a process, the end of the
// link otherwise. It returns when it is dead and all that it had said was heard.
func (in *Instance) Kill() {
	in.expect()
	in.body.kill()
	<-in.ended
	in.finish()
}

// Stop asks the plugin to end, and returns how it did: nil for a clean end.
func (in *Instance) Stop() error {
	in.expect()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := in.body.Stop(ctx, &pb.StopRequest{}); err != nil {
		return err
	}
	if l, ok := in.body.(*local); ok {
		l.kill() // Stop ends a process; in this one the link does
	}
	<-in.ended
	return in.finish()
}

func (in *Instance) expect() {
	in.k.mu.Lock()
	defer in.k.mu.Unlock()
	in.expected = true
}

// close ends the link, with which a plugin ends.
func (in *Instance) close() {
	in.expect()
	in.link.Close()
	<-in.ended
	if err := in.finish(); err != nil && !in.killed() {
		in.k.t.Errorf("plugin %s ended: %v", in.name, err)
	}
}

func (in *Instance) killed() bool { return errors.Is(in.exit, errKilled) }

func (in *Instance) finish() error {
	in.once.Do(func() { in.exit = in.body.wait() })
	return in.exit
}

var errKilled = errors.New("killed")

// local is a plugin in this process.
type local struct {
	*plugin.Runtime
	our, their *link.Link
	fds        *localDescriptors
	ends       chan struct{}
	err        error // of Run, after ends
}

func newLocal(p sdk.Plugin) (*local, error) {
	r, err := plugin.New(p, nil)
	if err != nil {
		return nil, err
	}
	l := &local{Runtime: r, fds: &localDescriptors{}, ends: make(chan struct{})}
	l.our, l.their = link.Pair()
	return l, nil
}

func (l *local) connect(context.Context, Carrier) (*link.Link, error) {
	go func() { // ends when either end of the link is closed
		defer close(l.ends)
		l.err = l.Run(plugin.Port{Link: l.their, Descriptors: l.fds})
		l.fds.close()
	}()
	return l.our, nil
}

func (l *local) sendDescriptor(fd int) error { return l.fds.send(fd) }

func (l *local) kill() { l.their.Close() }

func (l *local) wait() error {
	l.their.Close()
	if _, err := l.Stop(context.Background(), &pb.StopRequest{}); err != nil {
		return err
	}
	<-l.ends
	if errors.Is(l.err, link.ErrClosed) {
		return nil
	}
	return l.err
}
