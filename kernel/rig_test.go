package kernel_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest"

	"github.com/netcore-go/netcore/kernel"
	"github.com/netcore-go/netcore/sdk"
)

// patience detects a hang. Nothing is measured by it.
const patience = 30 * time.Second

// A rig is a kernel that runs.
type rig struct {
	t       *testing.T
	k       *kernel.Kernel
	cfg     kernel.Config
	done    chan error
	lie     string // file that names the lie of processes started from now on
	events  string
	stopped bool
	err     error // of Run, once stopped
	files   int
	kids    int
	shared  bool // the process is other tests' as well: whoever runs them looks at what is left
}

// beside is for tests that run beside others.
func beside(_ *kernel.Config, r *rig) { r.shared = true }

// local has both plugins in this process, process in processes of their own.
func local(c *kernel.Config, r *rig) {
	c.Plugins = map[string]kernel.Plugin{
		"frames": {Local: &sdk.Plugin{Name: "frames", Version: "1", Stream: frames{}}},
		"script": {Local: &sdk.Plugin{Name: "script", Version: "1", Handler: &script{events: r.events}}},
	}
}

func process(c *kernel.Config, r *rig) {
	c.Plugins = map[string]kernel.Plugin{"frames": r.plugin("protocol"), "script": r.plugin("handler")}
}

func (r *rig) plugin(role string) kernel.Plugin {
	// The race detector holds up the end of a process by a second otherwise.
	return kernel.Plugin{Path: self(r.t), Env: []string{"GORACE=atexit_sleep_ms=0", roleVar + "=" + role, lieVar + "=" + r.lie + role, eventsVar + "=" + r.events}}
}

// start runs a kernel with a listener "a" until the test ends. It fails if
// anything is left of it then.
func start(t *testing.T, with ...func(*kernel.Config, *rig)) *rig {
	t.Helper()
	r := build(t, with...)
	r.run()
	return r
}

func build(t *testing.T, with ...func(*kernel.Config, *rig)) *rig {
	t.Helper()
	dir, err := os.MkdirTemp("", "nk")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	r := &rig{t: t, lie: dir + "/lie-", events: dir + "/events", files: openFiles(t), kids: len(children(t))}
	r.cfg = kernel.Config{
		RunDir:       dir + "/run",
		DrainTimeout: 10 * time.Second,
		Listeners:    []kernel.Listener{{Name: "a", Protocol: "frames", Handler: "script", Address: "127.0.0.1:0"}},
	}
	for _, w := range with {
		w(&r.cfg, r)
	}
	t.Cleanup(r.nothingIsLeft) // after the kernel's end and the clients'
	return r
}

func (r *rig) run() {
	r.t.Helper()
	level := zapcore.Level(zapcore.WarnLevel)
	if os.Getenv("KERNEL_TEST_VERBOSE") != "" {
		level = zapcore.DebugLevel
	}
	k, err := kernel.New(r.cfg, kernel.Options{Logger: zaptest.NewLogger(r.t, zaptest.Level(level), zaptest.WrapOptions(zap.AddCaller())), Version: "test"})
	must(r.t, err)
	r.k, r.done = k, make(chan error, 1)
	go func() { r.done <- k.Run(context.Background()) }() // ends in stop
	select {
	case <-k.Ready():
	case err := <-r.done:
		r.t.Fatalf("Run() = %v before it was ready", err)
	}
	r.t.Cleanup(r.stop)
}

// stop stops the kernel at once and looks at what is left.
func (r *rig) stop() {
	if r.stopped {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := r.k.Stop(ctx); err != nil {
		r.t.Errorf("Stop() = %v\n%s", err, stacks())
		return
	}
	r.ended()
}

// ended takes Run's result.
func (r *rig) ended() {
	r.stopped = true
	r.err = <-r.done
	if n := r.k.Connections(0, ""); len(n) > 0 {
		r.t.Errorf("connections left over: %+v", n)
	}
}

func (r *rig) nothingIsLeft() {
	if left, _ := filepath.Glob(r.cfg.RunDir + "/*"); len(left) > 0 {
		r.t.Errorf("files left over: %v", left)
	}
	if r.shared {
		return
	}
	if kids := children(r.t); len(kids) > r.kids {
		r.t.Errorf("processes left over: %v", kids)
	}
	if n := openFiles(r.t); n > r.files {
		r.t.Errorf("%d descriptors are open, %d were before:\n%s", n, r.files, fileNames())
	}
}

func (r *rig) addr() string { return r.k.Status().Listeners[0].Address }

// lies has processes of that role tell a lie if they are started from now on.
func (r *rig) lies(role, name string) {
	r.t.Helper()
	must(r.t, os.WriteFile(r.lie+role, []byte(name), 0o600))
}

func (r *rig) swap(name, path string) (kernel.SwapReport, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return r.k.Swap(ctx, name, path)
}

func (r *rig) mustSwap(name string) kernel.SwapReport {
	r.t.Helper()
	var report kernel.SwapReport
	eventually(r.t, func() (err error) { // the last swap's old instance may drain
		report, err = r.swap(name, "")
		if err != nil && !errors.Is(err, kernel.ErrBusy) {
			r.t.Fatalf("Swap(%s) = %v", name, err)
		}
		return err
	})
	return report
}

func (r *rig) slot(name string) kernel.PluginStatus {
	r.t.Helper()
	for _, p := range r.k.Status().Plugins {
		if p.Name == name {
			return p
		}
	}
	r.t.Fatalf("no plugin %s in status", name)
	return kernel.PluginStatus{}
}

// connections returns an error unless there are want of them.
func (r *rig) connections(want int) error {
	if n := len(r.k.Connections(0, "")); n != want {
		return fmt.Errorf("%d connections, want %d", n, want)
	}
	return nil
}

// settled waits until a slot is at rest with one instance, and returns it.
func (r *rig) settled(name string) kernel.PluginStatus {
	r.t.Helper()
	var s kernel.PluginStatus
	eventually(r.t, func() error {
		if s = r.slot(name); s.State != "serving" || len(s.Instances) != 1 {
			return fmt.Errorf("plugin %s is %+v", name, s)
		}
		return nil
	})
	return s
}

// noted returns the events that handlers have written, by name.
func (r *rig) noted() map[string][]string {
	b, err := os.ReadFile(r.events)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		r.t.Fatal(err)
	}
	m := make(map[string][]string)
	for line := range strings.Lines(string(b)) {
		what, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		m[what] = append(m[what], rest)
	}
	return m
}

// eventually tries check until it returns nil, and fails the test if it never does.
func eventually(t *testing.T, check func() error) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if err = check(); err == nil {
			return
		}
		runtime.Gosched()
		<-time.After(5 * time.Millisecond)
	}
	t.Fatal(err)
}

func openFiles(t *testing.T) int {
	t.Helper()
	names, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	return len(names)
}

func fileNames() string {
	var b strings.Builder
	names, _ := os.ReadDir("/proc/self/fd")
	for _, n := range names {
		target, _ := os.Readlink("/proc/self/fd/" + n.Name())
		fmt.Fprintf(&b, "%s → %s\n", n.Name(), target)
	}
	return b.String()
}

// children returns the processes that this one has started, zombies too.
func children(t *testing.T) []string {
	t.Helper()
	lists, err := filepath.Glob("/proc/self/task/*/children")
	must(t, err)
	var all []string
	for _, list := range lists {
		b, _ := os.ReadFile(list) // the thread may have ended
		all = append(all, strings.Fields(string(b))...)
	}
	return all
}

func stacks() string {
	b := make([]byte, 1<<20)
	return string(b[:runtime.Stack(b, true)])
}
