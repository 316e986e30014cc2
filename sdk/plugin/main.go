package plugin

import (
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/fdpass"
	pb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// The variables that tell a plugin process the numbers of its inherited
// sockets: that of the link, and that on which descriptors arrive.
const (
	EnvLink        = "NETCORE_LINK_FD"
	EnvDescriptors = "NETCORE_DESCRIPTOR_FD"
)

// maxMessage bounds messages and windows of the gRPC server, in bytes.
const maxMessage = 4 << 20

// Main runs p as a plugin process. It does not return: the process ends when
// the kernel asks for it or has died.
//
// What p prints on standard output or standard error, and logs, gets into the
// kernel's log.
func Main(p sdk.Plugin) { os.Exit(run(p)) }

func run(p sdk.Plugin) int {
	if os.Getenv(pb.MagicCookieKey) != pb.MagicCookieValue {
		fmt.Fprintf(os.Stderr, "This is %s, a plugin of netcore. It does nothing alone: netcore starts it,\n"+
			"when it is in a plugin directory or named in the configuration and you call\n\n\tnetcore run\n", title(p))
		return 1
	}
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE) // the kernel decides
	// What the process inherited is not for processes that it starts. Linux
	// before 5.11 cannot do it; then it is done for the two that matter.
	_ = unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC)
	s, err := newServer(p, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig: pb.Handshake(),
		Plugins:         goplugin.PluginSet{pb.PluginName: &pb.GRPCPlugin{Impl: s}},
		GRPCServer:      s.grpcServer,
		Logger:          hclog.New(&hclog.LoggerOptions{Level: hclog.Warn, Output: os.Stderr, JSONFormat: true}),
	})
	return s.served()
}

func title(p sdk.Plugin) string {
	if p.Version == "" {
		return "netcore-" + p.Name
	}
	return "netcore-" + p.Name + " " + p.Version
}

// newServer returns the server of a process whose real standard error is stderr.
func newServer(p sdk.Plugin, stderr *os.File) (*server, error) {
	r, err := New(p, slog.New(slog.NewJSONHandler(stderr, nil)))
	if err != nil {
		return nil, err
	}
	s := &server{runtime: r, stderr: stderr, carriers: []pb.Carrier{pb.Carrier_CARRIER_GRPC}}
	if s.linkFD, err = inherited(EnvLink); err != nil {
		return nil, err
	}
	if s.linkFD >= 0 {
		s.carriers = []pb.Carrier{pb.Carrier_CARRIER_UNIX, pb.Carrier_CARRIER_GRPC}
	}
	fd, err := inherited(EnvDescriptors)
	if err != nil {
		return nil, err
	}
	if fd >= 0 {
		s.descriptors = fdpass.NewReceiver(fd)
	}
	return s, nil
}

// inherited returns the descriptor whose number is in a variable, -1 if there is
// none.
func inherited(name string) (int, error) {
	v := os.Getenv(name)
	if v == "" {
		return -1, nil
	}
	fd, err := strconv.Atoi(v)
	if err != nil || fd < 3 {
		return -1, fmt.Errorf("%s=%s is no descriptor", name, v)
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, unix.FD_CLOEXEC); err != nil {
		return -1, fmt.Errorf("%s=%d: %w", name, fd, err)
	}
	return fd, nil
}

func (s *server) grpcServer(opts []grpc.ServerOption) *grpc.Server {
	return grpc.NewServer(append(opts,
		grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage),
		grpc.InitialWindowSize(maxMessage), grpc.InitialConnWindowSize(maxMessage))...)
}
