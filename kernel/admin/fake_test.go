package admin_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/netcore-go/netcore/kernel"
	"github.com/netcore-go/netcore/kernel/admin"
	"github.com/netcore-go/netcore/sdk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A fakeKernel is an Observer, Operator and Process that records what it was
// told and answers with err.
type fakeKernel struct {
	status kernel.Status
	conns  []kernel.ConnectionInfo
	err    error
	calls  chan string
}

var (
	_ admin.Observer = (*fakeKernel)(nil)
	_ admin.Operator = (*fakeKernel)(nil)
	_ admin.Process  = (*fakeKernel)(nil)
)

// newFake returns a kernel that serves. Its calls are kept until a test reads
// them; no test makes more than the channel holds.
func newFake() *fakeKernel {
	return &fakeKernel{
		calls: make(chan string, 16),
		conns: []kernel.ConnectionInfo{{ID: "1", Listener: "game"}, {ID: "2", Listener: "web"}},
		status: kernel.Status{
			State: "serving", Version: "1.2.3", PID: 7, StartTime: time.Unix(1700000000, 0).UTC(),
			Total:     sdk.ServerStats{TotalConnections: 9},
			Listeners: []kernel.ListenerStatus{{Name: "game", Stats: sdk.ServerStats{TotalConnections: 4}}},
			Plugins:   []kernel.PluginStatus{{Name: "tcp", State: "serving"}, {Name: "chat", State: "swapping"}},
			Closed:    map[string]int64{"idle": 2},
		},
	}
}

func (f *fakeKernel) call(format string, args ...any) error {
	f.calls <- fmt.Sprintf(format, args...)
	return f.err
}

func (f *fakeKernel) Status() kernel.Status { return f.status }

func (f *fakeKernel) Connections(limit int, listener string) []kernel.ConnectionInfo {
	var out []kernel.ConnectionInfo
	for _, c := range f.conns {
		if len(out) < limit && (listener == "" || c.Listener == listener) {
			out = append(out, c)
		}
	}
	return out
}

func (f *fakeKernel) Swap(_ context.Context, name, path string) (kernel.SwapReport, error) {
	return kernel.SwapReport{Plugin: name, Moved: 3}, f.call("swap %s %q", name, path)
}

func (f *fakeKernel) Rollback(_ context.Context, name string) (kernel.SwapReport, error) {
	return kernel.SwapReport{Plugin: name}, f.call("rollback %s", name)
}

func (f *fakeKernel) Reset(_ context.Context, name string) error { return f.call("reset %s", name) }
func (f *fakeKernel) CloseConnection(id string) error            { return f.call("close %s", id) }
func (f *fakeKernel) Reload(context.Context) error               { return f.call("reload") }
func (f *fakeKernel) Drain(ctx context.Context) error            { return f.call("drain") }
func (f *fakeKernel) Stop(force bool)                            { f.calls <- fmt.Sprintf("stop %v", force) }

// start serves f until the test ends, and returns its run_dir and the address
// of its TCP listener.
func start(t *testing.T, f *fakeKernel) (runDir, address string) {
	t.Helper()
	runDir = shortDir(t)
	socket, err := admin.Listen(runDir)
	if err != nil {
		t.Fatal(err)
	}
	public, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- (&admin.Server{Kernel: f, Operator: f, Process: f}).Serve(ctx, socket, public) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve() = %v, want nil", err)
		}
	})
	return runDir, public.Addr().String()
}

// shortDir is t.TempDir with a path that leaves room for a socket's name.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "nc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}
