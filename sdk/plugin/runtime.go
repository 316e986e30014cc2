package plugin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/internal/part"
	pb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// frameVersions are those that the SDK speaks, best first.
var frameVersions = []uint32{1}

// A Runtime runs one plugin once: New, Describe, Configure, Run, Stop. Its
// methods may be called from any goroutine.
type Runtime struct {
	plugin sdk.Plugin
	log    *slog.Logger
	kind   kind
	frames atomic.Uint64
	parts  atomic.Pointer[[]part.Part] // nil until the links are served

	mu      sync.Mutex // guards the fields below
	started bool       // Configure was called
	build   builder    // nil until Configure has succeeded, and after Run
	discard func()     // lets go of what Configure has started and Run has not taken
}

// New returns the runtime of p, of which exactly one part must be set. It
// starts nothing. If log is nil, nothing is logged.
func New(p sdk.Plugin, log *slog.Logger) (*Runtime, error) {
	if p.Name == "" {
		return nil, errors.New("the plugin has no name: set sdk.Plugin.Name")
	}
	k, err := kindOf(p)
	if err != nil {
		return nil, fmt.Errorf("plugin %s: %w", p.Name, err)
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Runtime{plugin: p, log: log, kind: k}, nil
}

// Describe returns the manifest. It fails if kernel and plugin have no frame
// version in common.
func (r *Runtime) Describe(_ context.Context, req *pb.DescribeRequest) (*pb.Manifest, error) {
	version := uint32(0)
	for _, v := range req.GetFrameVersions() {
		if slices.Contains(frameVersions, v) {
			version = v
			break
		}
	}
	if version == 0 {
		return nil, status.Errorf(codes.FailedPrecondition, "no frame version in common: the kernel speaks %v, plugin %s %v",
			req.GetFrameVersions(), r.plugin.Name, frameVersions)
	}
	m := r.kind.manifest()
	m.Name, m.Version, m.FrameVersion = r.plugin.Name, r.plugin.Version, version
	m.Carriers = []pb.Carrier{pb.Carrier_CARRIER_MEMORY}
	return m, nil
}

// Configure checks the configuration and, for a handler, configures and starts
// it. An error in the configuration is in the response; an error of Configure
// itself says that the plugin cannot start, or was configured before.
func (r *Runtime) Configure(_ context.Context, req *pb.ConfigureRequest) (resp *pb.ConfigureResponse, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.started {
		return nil, status.Error(codes.FailedPrecondition, "configured before: a process is configured once")
	}
	r.started = true
	log := r.log.With("incarnation", req.GetIncarnation())
	build, discard, err := r.configure(req, log)
	if err != nil {
		if f := fieldError(err); f != nil {
			return &pb.ConfigureResponse{Error: f}, nil
		}
		return nil, status.Error(codes.FailedPrecondition, err.Error())
	}
	r.build, r.discard = build, discard
	return &pb.ConfigureResponse{}, nil
}

// configure turns a panic of user code into an error.
func (r *Runtime) configure(req *pb.ConfigureRequest, log *slog.Logger) (b builder, discard func(), err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("plugin %s panicked in configure: %v", r.plugin.Name, v)
		}
	}()
	return r.kind.configure(req, log)
}

// Health counts what the plugin holds and has received. It waits for no user
// code.
func (r *Runtime) Health(context.Context, *pb.HealthRequest) (*pb.HealthResponse, error) {
	resp := &pb.HealthResponse{Frames: r.frames.Load()}
	for _, p := range r.running() {
		resp.Connections += uint64(p.Connections())
	}
	return resp, nil
}

// Stop tells user code that the end has come. A plugin that was configured and
// does not run is let go of; one that runs ends with its link.
func (r *Runtime) Stop(context.Context, *pb.StopRequest) (*pb.StopResponse, error) {
	r.mu.Lock()
	discard := r.discard
	r.build, r.discard = nil, nil
	r.mu.Unlock()
	if discard != nil {
		discard()
	}
	for _, p := range r.running() {
		if d, ok := p.(interface{ Drain() }); ok {
			d.Drain()
		}
	}
	return &pb.StopResponse{}, nil
}

// running returns the parts, none before Run.
func (r *Runtime) running() []part.Part {
	if parts := r.parts.Load(); parts != nil {
		return *parts
	}
	return nil
}
