package plugin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/netcore-go/netcore/sdk/fdpass"
	"github.com/netcore-go/netcore/sdk/link"
	"github.com/netcore-go/netcore/sdk/link/grpclink"
	pb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// farewell is how long the answer to Stop may take to leave the process.
const farewell = 100 * time.Millisecond

// A server is the control half of a plugin process: a Runtime, its sockets, and
// the process's end.
type server struct {
	pb.UnimplementedPluginServer
	runtime     *Runtime
	stderr      *os.File
	descriptors *fdpass.Receiver // nil if none was inherited
	carriers    []pb.Carrier     // that this process offers
	stopping    atomic.Bool
	described   atomic.Bool
	restore     sync.Once

	mu      sync.Mutex // guards the fields below
	linkFD  int        // -1 if none was inherited or it is in use
	carrier pb.Carrier // of Configure
}

// Describe is the first call. By now go-plugin has put pipes in the place of
// os.Stdout and os.Stderr, from which nothing is read after a crash; what user
// code prints belongs on the real standard error.
func (s *server) Describe(ctx context.Context, req *pb.DescribeRequest) (*pb.Manifest, error) {
	s.restore.Do(func() { os.Stdout, os.Stderr = s.stderr, s.stderr })
	s.described.Store(true)
	m, err := s.runtime.Describe(ctx, req)
	if err == nil {
		m.Carriers = s.carriers
	}
	return m, err
}

// Configure also starts to serve the link, if it is the inherited socket.
func (s *server) Configure(ctx context.Context, req *pb.ConfigureRequest) (*pb.ConfigureResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch req.GetCarrier() {
	case pb.Carrier_CARRIER_GRPC:
	case pb.Carrier_CARRIER_UNIX:
		if s.linkFD < 0 {
			return nil, status.Errorf(codes.FailedPrecondition, "no link socket was inherited: %s is not set", EnvLink)
		}
	default:
		return nil, status.Errorf(codes.InvalidArgument, "carrier %v is not offered", req.GetCarrier())
	}
	resp, err := s.runtime.Configure(ctx, req)
	if err != nil || resp.GetError() != nil {
		return resp, err
	}
	s.carrier = req.GetCarrier()
	if s.carrier == pb.Carrier_CARRIER_UNIX {
		l, err := link.FromDescriptor(s.linkFD)
		s.linkFD = -1
		if err != nil {
			return nil, status.Error(codes.Internal, err.Error())
		}
		go s.serve(l) // ends the process
	}
	return resp, nil
}

// Link carries the link, if it is to be this call. The call ends with the
// process.
func (s *server) Link(stream pb.Plugin_LinkServer) error {
	s.mu.Lock()
	ok := s.carrier == pb.Carrier_CARRIER_GRPC
	s.carrier = pb.Carrier_CARRIER_UNSPECIFIED
	s.mu.Unlock()
	if !ok {
		return status.Error(codes.FailedPrecondition, "the link is opened once, after Configure with the gRPC carrier")
	}
	s.serve(grpclink.Serve(stream))
	return nil
}

// serve serves the link, with which the process ends: at once, whatever user
// code is doing, since a successor may wait for the connections.
func (s *server) serve(l *link.Link) {
	var d Descriptors = noDescriptors{}
	if s.descriptors != nil {
		d = s.descriptors
	}
	_, err := s.runtime.serve([]Port{{Link: l, Descriptors: d}})
	if err == nil || s.stopping.Load() {
		os.Exit(0)
	}
	fmt.Fprintf(s.stderr, "plugin %s ends: %v\n", s.runtime.plugin.Name, err)
	os.Exit(1)
}

func (s *server) Health(ctx context.Context, req *pb.HealthRequest) (*pb.HealthResponse, error) {
	return s.runtime.Health(ctx, req)
}

// Stop answers and ends the process. gRPC does not tell when the answer has
// left, and go-plugin's stdio call keeps a graceful stop from ending; so the
// process stays for the farewell, unless the kernel closes the link before.
func (s *server) Stop(ctx context.Context, req *pb.StopRequest) (*pb.StopResponse, error) {
	if !s.stopping.Swap(true) {
		time.AfterFunc(farewell, func() { os.Exit(0) })
	}
	return s.runtime.Stop(ctx, req)
}

// served is the exit code when go-plugin's server has ended.
func (s *server) served() int {
	if s.described.Load() {
		return 0
	}
	return 1 // it did not begin; go-plugin has logged why
}

// noDescriptors is the descriptor socket of a process that has none.
type noDescriptors struct{}

func (noDescriptors) Receive() (int, error) {
	return -1, errors.New("no descriptor socket was inherited: " + EnvDescriptors + " is not set")
}
