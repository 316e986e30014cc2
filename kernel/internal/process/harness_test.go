package process_test

import (
	"context"
	"encoding/json"
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netcore-go/netcore/kernel/internal/process"
	pluginpb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

func newLauncher(t *testing.T) *process.Launcher {
	t.Helper()
	l := new(process.Launcher)
	t.Cleanup(l.Close)
	return l
}

func specOf(t *testing.T, mode string) process.Spec {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return process.Spec{
		Name: "test", Incarnation: 1, Path: exe, RunDir: t.TempDir(),
		// The race detector makes a process wait a second before it exits.
		Env:          []string{modeVar + "=" + mode, "GORACE=atexit_sleep_ms=0"},
		StartTimeout: patience,
	}
}

func start(t *testing.T, spec process.Spec) *process.Process {
	t.Helper()
	p, err := newLauncher(t).Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// describe returns what the plugin tells of itself.
func describe(t *testing.T, p *process.Process) (r report) {
	t.Helper()
	m, err := p.Control().Describe(deadline(t), &pluginpb.DescribeRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(m.GetSchema()), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func configure(t *testing.T, p *process.Process) error {
	t.Helper()
	_, err := p.Control().Configure(deadline(t), &pluginpb.ConfigureRequest{})
	return err
}

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func await(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		t.Fatalf("%s did not happen within %v", what, patience)
	}
}

// awaitEnd waits until the process of that number, which need not be our child,
// has ended.
func awaitEnd(t *testing.T, pid int) {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if err == unix.ESRCH {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(patience.Milliseconds()))
		switch {
		case err == unix.EINTR:
		case n == 1:
			return
		default:
			t.Fatalf("process %d lives on (%v)", pid, err)
		}
	}
}

// usage is what a leak would add to.
type usage struct{ goroutines, descriptors int }

func used(t *testing.T) usage {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return usage{runtime.NumGoroutine(), len(fds)}
}

// awaitUsage waits until no more is used than want: goroutines that have done
// their last work need a moment to end.
func awaitUsage(t *testing.T, want usage) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); ; <-tick.C {
		got := used(t)
		if got.goroutines <= want.goroutines && got.descriptors <= want.descriptors {
			return
		}
		if time.Now().After(end) {
			buf := make([]byte, 1<<20)
			t.Fatalf("usage = %+v, want %+v\n%s", got, want, buf[:runtime.Stack(buf, true)])
		}
	}
}

// awaitEmpty waits until dir is empty.
func awaitEmpty(t *testing.T, dir string) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); ; <-tick.C {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s holds %v, want nothing", dir, entries)
		}
	}
}
