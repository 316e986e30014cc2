package kernel

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/netcore-go/netcore/kernel/internal/process"
	"github.com/netcore-go/netcore/sdk/fdpass"
	"github.com/netcore-go/netcore/sdk/link"
	"github.com/netcore-go/netcore/sdk/link/grpclink"
	"github.com/netcore-go/netcore/sdk/plugin"
	pb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// A control is the control half of the contract.
type control interface {
	Describe(context.Context, *pb.DescribeRequest) (*pb.Manifest, error)
	Configure(context.Context, *pb.ConfigureRequest) (*pb.ConfigureResponse, error)
	Health(context.Context, *pb.HealthRequest) (*pb.HealthResponse, error)
}

// A host is what an instance runs in: a process, or this process. Its methods
// may be called from any goroutine and wait only where they say so.
type host interface {
	control
	// connect returns the kernel's end of the links, once, after Configure.
	connect(ctx context.Context, carrier Carrier) ([]*link.Link, error)
	// sendDescriptor sends a descriptor that a frame on that link will
	// announce. It waits at most fdpass.DefaultTimeout.
	sendDescriptor(link, fd int) error
	pid() int
	done() <-chan struct{} // closed when the instance is known to be dead
	err() error            // why, after done; nil if it was asked to stop
	hung() <-chan struct{} // closed when it does not answer any more
	kill()
	stop(ctx context.Context) // waits until done or the end of ctx, then kills
}

// processHost is a plugin process.
type processHost struct {
	*process.Process
	linkFD int // the kernel's end of the link socket, until connect
	fds    *fdpass.Sender
}

// startProcess starts a process with its sockets: descriptor 3 is the link,
// descriptor 4 the descriptor socket.
func startProcess(ctx context.Context, launcher *process.Launcher, spec process.Spec) (*processHost, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("link socket: %w", err)
	}
	defer unix.Close(pair[1])
	ours, theirs, err := fdpass.Pair()
	if err != nil {
		unix.Close(pair[0])
		return nil, err
	}
	defer unix.Close(theirs)
	fds, err := fdpass.NewSender(ours)
	if err != nil {
		unix.Close(pair[0])
		return nil, err
	}
	spec.Files = []int{pair[1], theirs}
	spec.Env = append([]string{plugin.EnvLink + "=3", plugin.EnvDescriptors + "=4"}, spec.Env...)
	p, err := launcher.Start(ctx, spec)
	if err != nil {
		unix.Close(pair[0])
		fds.Close()
		return nil, err
	}
	h := &processHost{Process: p, linkFD: pair[0], fds: fds}
	context.AfterFunc(doneContext(p.Done()), func() { fds.Close() })
	return h, nil
}

// doneContext returns a context that ends when done is closed.
func doneContext(done <-chan struct{}) context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	go func() { // ends with the process
		<-done
		cancel()
	}()
	return ctx
}

func (h *processHost) Describe(ctx context.Context, r *pb.DescribeRequest) (*pb.Manifest, error) {
	return h.Control().Describe(ctx, r)
}

func (h *processHost) Configure(ctx context.Context, r *pb.ConfigureRequest) (*pb.ConfigureResponse, error) {
	return h.Control().Configure(ctx, r)
}

func (h *processHost) Health(ctx context.Context, r *pb.HealthRequest) (*pb.HealthResponse, error) {
	return h.Control().Health(ctx, r)
}

func (h *processHost) connect(ctx context.Context, carrier Carrier) ([]*link.Link, error) {
	if carrier == CarrierGRPC {
		h.close()
		return one(grpclink.Dial(ctx, h.Control()))
	}
	fd := h.linkFD
	h.linkFD = -1
	return one(link.FromDescriptor(fd))
}

func one(l *link.Link, err error) ([]*link.Link, error) {
	if err != nil {
		return nil, err
	}
	return []*link.Link{l}, nil
}

// close lets go of what connect would have taken.
func (h *processHost) close() {
	if h.linkFD >= 0 {
		unix.Close(h.linkFD)
		h.linkFD = -1
	}
}

func (h *processHost) sendDescriptor(_, fd int) error { return h.fds.Send(fd) }
func (h *processHost) pid() int                       { return h.PID() }
func (h *processHost) done() <-chan struct{}          { return h.Done() }
func (h *processHost) err() error                     { return h.Err() }
func (h *processHost) hung() <-chan struct{}          { return h.Hung() }
func (h *processHost) kill()                          { h.Kill() }
func (h *processHost) stop(ctx context.Context)       { _ = h.Stop(ctx) } // err says the same

// localHost is a plugin in this process.
type localHost struct {
	*plugin.Runtime
	ends  chan struct{}
	ours  []*link.Link
	ports []plugin.Port // the plugin's ends of them, and of the descriptor queues
	fds   []*localDescriptors
	cause error // what Run returned; read after ends is closed
}

// maxLocalLinks bounds the links to a plugin in this process.
const maxLocalLinks = 8

// startLocal prepares a plugin with a link for each core: a link in memory is
// served by one goroutine at a time.
func startLocal(r *plugin.Runtime) *localHost {
	h := &localHost{Runtime: r, ends: make(chan struct{})}
	for range min(runtime.GOMAXPROCS(0), maxLocalLinks, r.MaxPorts()) {
		our, their := link.Pair()
		fds := newLocalDescriptors()
		h.ours, h.fds = append(h.ours, our), append(h.fds, fds)
		h.ports = append(h.ports, plugin.Port{Link: their, Descriptors: fds})
	}
	return h
}

func (h *localHost) connect(context.Context, Carrier) ([]*link.Link, error) {
	go func() { // ends when either end of a link is closed
		defer close(h.ends)
		h.cause = h.Run(h.ports...)
		for _, fds := range h.fds {
			fds.close()
		}
	}()
	return h.ours, nil
}

func (h *localHost) sendDescriptor(link, fd int) error { return h.fds[link].send(fd) }
func (h *localHost) pid() int                          { return os.Getpid() }
func (h *localHost) done() <-chan struct{}             { return h.ends }
func (h *localHost) hung() <-chan struct{}             { return nil }

// kill also ends a plugin that was configured and never connected.
func (h *localHost) kill() {
	_, _ = h.Stop(context.Background(), &pb.StopRequest{})
	h.closeLinks()
}

func (h *localHost) closeLinks() {
	for _, p := range h.ports {
		p.Link.Close()
	}
}

func (h *localHost) err() error {
	if errors.Is(h.cause, link.ErrClosed) {
		return nil
	}
	return h.cause
}

func (h *localHost) stop(ctx context.Context) {
	h.closeLinks()
	select {
	case <-h.ends:
	case <-ctx.Done():
	}
}

// defaultProcs is the GOMAXPROCS of a plugin process. Kernel and plugins share
// the machine; a process that may run on all cores at once mostly wakes threads
// that find nothing to do.
func defaultProcs() int { return max(1, runtime.NumCPU()/2) }
