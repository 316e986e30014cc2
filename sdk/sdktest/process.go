package sdktest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"golang.org/x/sys/unix"

	"github.com/netcore-go/netcore/sdk/fdpass"
	"github.com/netcore-go/netcore/sdk/link"
	"github.com/netcore-go/netcore/sdk/link/grpclink"
	"github.com/netcore-go/netcore/sdk/plugin"
	pb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// Build builds the command in a directory and returns the path of the
// executable, which goes with the test.
func Build(t testing.TB, dir string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), filepath.Base(dir))
	cmd := exec.Command("go", "build", "-o", path, dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", dir, err, out)
	}
	return path
}

// process is a plugin process.
type process struct {
	client  *goplugin.Client
	control pb.PluginClient
	cmd     *exec.Cmd
	linkFD  int // until connect
	fds     *fdpass.Sender
	stderr  tail
	once    sync.Once
	shot    bool
	err     error // of wait, after once
}

// newProcess starts the command, up to go-plugin's handshake: descriptor 3 is
// the link, descriptor 4 the descriptor socket.
func newProcess(t testing.TB, s Spec) (*process, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	ours, theirs, err := fdpass.Pair()
	if err != nil {
		return nil, err
	}
	p := &process{linkFD: pair[0]}
	if p.fds, err = fdpass.NewSender(ours); err != nil {
		return nil, err
	}
	p.cmd = exec.Command(s.Command[0], s.Command[1:]...)
	// A process built with the race detector sleeps for a second at its end.
	env := append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	// go-plugin sets this only for runners; a plugin that is killed leaves its
	// socket. The path must be short, which t.TempDir's need not be.
	sockets, err := os.MkdirTemp("", "nc")
	if err != nil {
		return nil, fmt.Errorf("directory for sockets: %w", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(sockets) })
	env = append(env, goplugin.EnvUnixSocketDir+"="+sockets)
	p.cmd.Env = append(append(env, s.Env...), plugin.EnvLink+"=3", plugin.EnvDescriptors+"=4")
	for _, f := range []*os.File{os.NewFile(uintptr(pair[1]), "link"), os.NewFile(uintptr(theirs), "descriptors")} {
		defer f.Close() // the process has its own copy
		p.cmd.ExtraFiles = append(p.cmd.ExtraFiles, f)
	}
	p.client = goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig:  pb.Handshake(),
		Plugins:          goplugin.PluginSet{pb.PluginName: &pb.GRPCPlugin{}},
		Cmd:              p.cmd,
		SkipHostEnv:      true, // it is in cmd.Env
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		StartTimeout:     patience,
		Stderr:           &p.stderr,
		SyncStdout:       io.Discard,
		SyncStderr:       io.Discard,
		Logger:           hclog.NewNullLogger(),
	})
	if p.control, err = p.dispense(); err != nil {
		_ = p.wait() // what went wrong is known
		return nil, fmt.Errorf("%w; stderr: %s", err, p.stderr.String())
	}
	return p, nil
}

func (p *process) dispense() (pb.PluginClient, error) {
	c, err := p.client.Client()
	if err != nil {
		return nil, err
	}
	raw, err := c.Dispense(pb.PluginName)
	if err != nil {
		return nil, err
	}
	return raw.(pb.PluginClient), nil
}

func (p *process) Describe(ctx context.Context, r *pb.DescribeRequest) (*pb.Manifest, error) {
	return p.control.Describe(ctx, r)
}

func (p *process) Configure(ctx context.Context, r *pb.ConfigureRequest) (*pb.ConfigureResponse, error) {
	return p.control.Configure(ctx, r)
}

func (p *process) Health(ctx context.Context, r *pb.HealthRequest) (*pb.HealthResponse, error) {
	return p.control.Health(ctx, r)
}

func (p *process) Stop(ctx context.Context, r *pb.StopRequest) (*pb.StopResponse, error) {
	return p.control.Stop(ctx, r)
}

func (p *process) connect(ctx context.Context, c Carrier) (*link.Link, error) {
	if c == GRPC {
		return grpclink.Dial(ctx, p.control)
	}
	fd := p.linkFD
	p.linkFD = -1
	return link.FromDescriptor(fd)
}

func (p *process) sendDescriptor(fd int) error { return p.fds.Send(fd) }

func (p *process) kill() {
	p.shot = true
	_ = p.cmd.Process.Kill() // it may be dead
}

// wait returns the process's exit code, if it is not 0, with what it had to say.
func (p *process) wait() error {
	p.once.Do(func() {
		if p.linkFD >= 0 {
			unix.Close(p.linkFD)
		}
		p.fds.Close()
		p.client.Kill() // the process ends with its link; this waits
		switch state := p.cmd.ProcessState; {
		case p.shot:
			p.err = errKilled
		case state == nil:
			p.err = errors.New("the process was not waited for")
		case !state.Success():
			p.err = fmt.Errorf("%v; stderr: %s", state, p.stderr.String())
		}
	})
	return p.err
}

// memory is the most that the process has ever had in memory.
func (p *process) memory() int64 {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), "VmHWM:")
	kib, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	n, _ := strconv.ParseInt(kib, 10, 64) // 0 if the kernel does not say
	return n << 10
}

// tail keeps what a process has said last.
type tail struct {
	mu sync.Mutex // guards the field below
	b  bytes.Buffer
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.b.Len() < 64<<10 {
		t.b.Write(p)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}
