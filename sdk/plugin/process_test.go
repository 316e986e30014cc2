package plugin_test

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/netcore-go/netcore/sdk/fdpass"
	"github.com/netcore-go/netcore/sdk/link"
	"github.com/netcore-go/netcore/sdk/link/grpclink"
	"github.com/netcore-go/netcore/sdk/plugin"
	pb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// A process is a plugin process and the kernel's ends of its sockets.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	client pb.PluginClient
	stderr *bytes.Buffer // to be read after wait
	linkFD int
}

// launch starts the test binary as a plugin, up to the handshake.
func launch(t *testing.T, kind string) *process {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs, err := fdpass.Pair()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(ours) })
	p := &process{t: t, cmd: exec.Command(os.Args[0]), stderr: &bytes.Buffer{}, linkFD: pair[0]}
	linkEnd, descriptorEnd := os.NewFile(uintptr(pair[1]), "link"), os.NewFile(uintptr(theirs), "descriptors")
	p.cmd.ExtraFiles = []*os.File{linkEnd, descriptorEnd}
	p.cmd.Env = append(os.Environ(), envPlugin+"="+kind, plugin.EnvLink+"=3", plugin.EnvDescriptors+"=4",
		pb.MagicCookieKey+"="+pb.MagicCookieValue, "PLUGIN_PROTOCOL_VERSIONS=1", "PLUGIN_UNIX_SOCKET_DIR="+t.TempDir())
	p.cmd.Stderr = p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	linkEnd.Close()
	descriptorEnd.Close()
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("handshake: %v", err)
	}
	parts := strings.Split(strings.TrimSpace(line), "|")
	if len(parts) < 5 || parts[0] != "1" || parts[1] != "1" || parts[2] != "unix" || parts[4] != "grpc" {
		t.Fatalf("handshake = %q", line)
	}
	dial := func(ctx context.Context, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", parts[3])
	}
	conn, err := grpc.NewClient("passthrough:plugin", grpc.WithContextDialer(dial), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	p.client = pb.NewPluginClient(conn)
	return p
}

// control makes the control calls that come before the link.
func (p *process) control(carrier pb.Carrier) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	m, err := p.client.Describe(ctx, &pb.DescribeRequest{FrameVersions: []uint32{1}})
	if err != nil || m.Version == "" || len(m.Carriers) != 2 {
		p.t.Fatalf("Describe() = %v, %v", m, err)
	}
	resp, err := p.client.Configure(ctx, &pb.ConfigureRequest{Carrier: carrier, Incarnation: 1})
	if err != nil || resp.Error != nil {
		p.t.Fatalf("Configure() = %v, %v", resp, err)
	}
	if _, err := p.client.Health(ctx, &pb.HealthRequest{}); err != nil {
		p.t.Fatalf("Health() = %v", err)
	}
}

// wait returns the exit code.
func (p *process) wait() int {
	p.t.Helper()
	timer := time.AfterFunc(patience, func() { _ = p.cmd.Process.Kill() })
	defer timer.Stop()
	_ = p.cmd.Wait() // the exit code says the same
	return p.cmd.ProcessState.ExitCode()
}

func (p *process) unix() *link.Link {
	p.t.Helper()
	l, err := link.FromDescriptor(p.linkFD)
	if err != nil {
		p.t.Fatal(err)
	}
	return l
}

func TestProcessOverUnix(t *testing.T) {
	p := launch(t, "handler")
	p.control(pb.Carrier_CARRIER_UNIX)
	kernel, stop := start(t, p.unix())
	defer stop()
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE} {
		if err := p.cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	kernel.echo(t)
	stop() // as the kernel's death does
	if code := p.wait(); code != 0 {
		t.Errorf("exit code = %d, want 0; stderr: %s", code, p.stderr)
	}
	if !strings.Contains(p.stderr.String(), "printed by start") {
		t.Errorf("stderr = %q, want what the handler printed", p.stderr)
	}
}

func TestProcessOverGRPC(t *testing.T) {
	p := launch(t, "handler")
	p.control(pb.Carrier_CARRIER_GRPC)
	l, err := grpclink.Dial(context.Background(), p.client)
	if err != nil {
		t.Fatal(err)
	}
	kernel, stop := start(t, l)
	defer stop()
	kernel.echo(t)
	stop()
	if code := p.wait(); code != 0 {
		t.Errorf("exit code = %d, want 0; stderr: %s", code, p.stderr)
	}
}

func TestStopAnswersAndExits(t *testing.T) {
	p := launch(t, "stream")
	p.control(pb.Carrier_CARRIER_UNIX)
	_, stop := start(t, p.unix())
	defer stop()
	if _, err := p.client.Stop(context.Background(), &pb.StopRequest{}); err != nil {
		t.Errorf("Stop() = %v", err)
	}
	if code := p.wait(); code != 0 {
		t.Errorf("exit code = %d, want 0; stderr: %s", code, p.stderr)
	}
}

func TestViolationExitsWithTheReason(t *testing.T) {
	p := launch(t, "handler")
	p.control(pb.Carrier_CARRIER_UNIX)
	kernel, stop := start(t, p.unix())
	defer stop()
	kernel.link.Append(&link.Frame{Kind: link.Open})
	kernel.link.FlushLater()
	if code := p.wait(); code != 1 || !strings.Contains(p.stderr.String(), "plugin echo ends: frame OPEN is not for a handler") {
		t.Errorf("exit code = %d, stderr = %s, want 1 and the reason", code, p.stderr)
	}
}

func TestRunByHand(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envPlugin+"=handler")
	out, _ := cmd.CombinedOutput() // the exit code says the same
	if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(string(out), "netcore run") || !strings.Contains(string(out), "netcore-echo 1.2.3") {
		t.Errorf("exit code = %d, output = %s, want 1 and a friendly sentence", code, out)
	}
}

func TestPluginWithoutPartsSaysSo(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envPlugin+"=nothing", pb.MagicCookieKey+"="+pb.MagicCookieValue)
	out, _ := cmd.CombinedOutput() // the exit code says the same
	if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(string(out), "no part is set") {
		t.Errorf("exit code = %d, output = %s, want 1 and the reason", code, out)
	}
}
