package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/netcore-go/netcore/cmd/netcore/internal/config"
	"github.com/netcore-go/netcore/kernel"
	"github.com/netcore-go/netcore/sdk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// epoch is when the fakes were started; now is 90 seconds later.
var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// A fakeKernel is a runner that serves nothing. Drained, it waits for idle to
// be closed; Stop ends it at once.
type fakeKernel struct {
	config kernel.Config
	ready  chan struct{}
	idle   chan struct{}
	forced chan struct{}
	calls  chan string // never more than a test reads

	mu     sync.Mutex // guards the fields below
	state  string
	runErr error // what Run returns
	opErr  error // what operations return
}

func newFakeKernel() *fakeKernel {
	k := &fakeKernel{
		ready: make(chan struct{}), idle: make(chan struct{}), forced: make(chan struct{}),
		calls: make(chan string, 16), state: "starting",
	}
	close(k.ready)
	close(k.idle)
	return k
}

func (k *fakeKernel) setState(state string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.state = state
}

func (k *fakeKernel) Run(ctx context.Context) error {
	k.setState("serving")
	select {
	case <-ctx.Done():
		k.setState("draining")
		k.calls <- "draining"
		select {
		case <-k.idle:
		case <-k.forced:
		}
	case <-k.forced:
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.runErr
}

func (k *fakeKernel) Ready() <-chan struct{} { return k.ready }

func (k *fakeKernel) Stop(context.Context) error {
	close(k.forced)
	return nil
}

func (k *fakeKernel) call(format string, args ...any) error {
	k.calls <- fmt.Sprintf(format, args...)
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.opErr
}

func (k *fakeKernel) Drain(context.Context) error { return k.call("drain") }

func (k *fakeKernel) Reload(_ context.Context, cfg kernel.Config) error {
	return k.call("reload %s", cfg.Listeners[0].Address)
}

func (k *fakeKernel) Swap(_ context.Context, name, path string) (kernel.SwapReport, error) {
	return kernel.SwapReport{
		Plugin: name, FromVersion: "1.0.0", ToVersion: "1.1.0", Incarnation: 3, Moved: 120,
		Duration: 234567 * time.Microsecond, PauseP99: 1234 * time.Microsecond, PauseMax: 3 * time.Millisecond,
	}, k.call("swap %s %s", name, path)
}

func (k *fakeKernel) Rollback(_ context.Context, name string) (kernel.SwapReport, error) {
	return kernel.SwapReport{Plugin: name, FromVersion: "1.1.0", ToVersion: "1.0.0", Incarnation: 4, Remaining: 1}, k.call("rollback %s", name)
}

func (k *fakeKernel) Reset(_ context.Context, name string) error { return k.call("reset %s", name) }
func (k *fakeKernel) CloseConnection(id string) error            { return k.call("close %s", id) }

func (k *fakeKernel) Status() kernel.Status {
	k.mu.Lock()
	defer k.mu.Unlock()
	return kernel.Status{
		State: k.state, Version: "1.2.3", PID: 4711, StartTime: epoch, MaxConnections: 1000,
		Total:  sdk.ServerStats{ActiveConnections: 2, TotalConnections: 5, MessagesReceived: 10, MessagesSent: 9, BytesReceived: 1000, BytesSent: 900},
		Closed: map[string]int64{"idle": 2, "orderly": 1, "reset": 0},
		Listeners: []kernel.ListenerStatus{{Name: "game", Protocol: "tcp", Address: "127.0.0.1:7001", Handler: "chat", Refused: 1,
			Stats: sdk.ServerStats{ActiveConnections: 2, TotalConnections: 5, MessagesReceived: 10, MessagesSent: 9}}},
		Plugins: []kernel.PluginStatus{
			{Name: "chat", Kind: "handler", State: "quarantined", Reason: "died 6 times in 60 s: \x1b[31mboom", Deaths: 6},
			{Name: "tcp", Kind: "protocol", State: "serving", Swaps: 1, Instances: []kernel.InstanceStatus{{Version: "1.0.0",
				Incarnation: 2, PID: 4712, Carrier: "unix", Role: "serving", StartTime: epoch.Add(time.Minute), Connections: 2}}},
		},
	}
}

func (k *fakeKernel) Connections(limit int, listener string) []kernel.ConnectionInfo {
	conns := []kernel.ConnectionInfo{
		{ID: "7", Listener: "game", Remote: "192.0.2.1:5", State: "connected", ConnectedAt: epoch, LastActive: epoch.Add(80 * time.Second),
			Protocol: "tcp/1.0.0/2", Handler: "chat/2.0.0/1", MessagesIn: 5, MessagesOut: 4, Queued: 17},
		{ID: "8", Listener: "game", Remote: "192.0.2.2:6", State: "connecting", ConnectedAt: epoch.Add(89 * time.Second)},
	}
	return conns[:min(limit, len(conns))]
}

// A world is an app around a fake kernel, with all that it writes.
type world struct {
	app
	kernel  *fakeKernel
	place   config.Place
	signals chan os.Signal
	stdout  syncBuffer
	stderr  syncBuffer
}

// newWorld returns a world whose plugins tcp and echo are there.
func newWorld(t *testing.T) *world {
	t.Helper()
	root, err := os.MkdirTemp("", "nc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(root); err != nil {
			t.Error(err)
		}
	})
	plugins := filepath.Join(root, "plugins")
	if err := os.Mkdir(plugins, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"netcore-tcp", "netcore-echo"} {
		if err := os.WriteFile(filepath.Join(plugins, name), nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	w := &world{
		kernel:  newFakeKernel(),
		place:   config.Place{Executable: filepath.Join(root, "netcore"), WorkDir: root, TempDir: root, UID: 1},
		signals: make(chan os.Signal),
	}
	w.app = app{
		stdout: &w.stdout, stderr: &w.stderr,
		place:      func() (config.Place, error) { return w.place, nil },
		now:        func() time.Time { return epoch.Add(90 * time.Second) },
		gomaxprocs: func(int) int { return 8 },
		signals:    func() (<-chan os.Signal, func()) { return w.signals, func() {} },
		check: func(_ context.Context, c kernel.Config, _ kernel.Options) error {
			return w.kernel.call("check %s", c.Listeners[0].Name)
		},
		newKernel: func(c kernel.Config, _ kernel.Options) (runner, error) {
			w.kernel.config = c
			return w.kernel, nil
		},
	}
	return w
}

// quiet is default.yaml without its fixed port.
var quiet = []string{"run", "--set", "admin.listen="}

// start runs netcore run until the test ends it; the exit status arrives on
// the channel. It returns when the kernel is ready and the socket answers.
func (w *world) start(t *testing.T, args ...string) <-chan int {
	t.Helper()
	code := make(chan int, 1)
	go func() { code <- w.run(t.Context(), append(append([]string{}, quiet...), args...)) }()
	w.stderr.waitFor(t, `"msg":"serving"`)
	return code
}

// A syncBuffer is a buffer that another goroutine writes.
type syncBuffer struct {
	mu      sync.Mutex // guards the fields below
	buf     bytes.Buffer
	changed chan struct{} // closed at the next write, nil if nobody waits
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.changed != nil {
		close(b.changed)
		b.changed = nil
	}
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// waitFor returns when text was written.
func (b *syncBuffer) waitFor(t *testing.T, text string) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		b.mu.Lock()
		if bytes.Contains(b.buf.Bytes(), []byte(text)) {
			b.mu.Unlock()
			return
		}
		if b.changed == nil {
			b.changed = make(chan struct{})
		}
		changed := b.changed
		b.mu.Unlock()
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("%q was not written; there is\n%s", text, b.String())
		}
	}
}
