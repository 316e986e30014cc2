package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/netcore-go/netcore/kernel"
)

func TestServeExit(t *testing.T) {
	tests := []struct {
		name    string
		busy    bool  // a connection never ends
		runErr  error // what the kernel returns
		signals []os.Signal
		want    int
	}{
		{"clean", false, nil, []os.Signal{syscall.SIGTERM}, exitClean},
		{"interrupt", false, nil, []os.Signal{syscall.SIGINT}, exitClean},
		{"forced", true, nil, []os.Signal{syscall.SIGTERM, syscall.SIGINT}, exitForced},
		{"forced with an error", true, kernel.ErrUnclean, []os.Signal{syscall.SIGTERM, syscall.SIGTERM}, exitForced},
		{"unclean", false, kernel.ErrUnclean, []os.Signal{syscall.SIGTERM}, exitUnclean},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.kernel.runErr = tt.runErr
			if tt.busy {
				w.kernel.idle = nil
			}
			code := w.start(t)
			for _, sig := range tt.signals {
				w.signals <- sig
			}
			if got := <-code; got != tt.want {
				t.Errorf("exit status %d, want %d; log:\n%s", got, tt.want, w.stderr.String())
			}
			if _, err := os.Stat(filepath.Join(w.place.TempDir, "netcore-1", "admin.sock")); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the admin socket is still there: %v", err)
			}
		})
	}
}

func TestServeContext(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	code := make(chan int, 1)
	go func() { code <- w.run(ctx, quiet) }()
	w.stderr.waitFor(t, `"msg":"serving"`)
	cancel()
	if got := <-code; got != exitClean {
		t.Errorf("exit status %d, want %d", got, exitClean)
	}
}

func TestServeStartFails(t *testing.T) {
	w := newWorld(t)
	w.kernel.ready = make(chan struct{})
	w.kernel.runErr = errors.New("listen tcp 127.0.0.1:7001: address already in use")
	close(w.kernel.forced) // Run returns at once
	if got := w.run(t.Context(), quiet); got != exitFailed {
		t.Errorf("exit status %d, want %d", got, exitFailed)
	}
	if got, want := w.stderr.String(), "netcore: listen tcp 127.0.0.1:7001: address already in use\n"; got != want {
		t.Errorf("stderr is %q, want %q", got, want)
	}
}

func TestServeLogsAddresses(t *testing.T) {
	w := newWorld(t)
	code := w.start(t, "--set", "admin.listen=127.0.0.1:0")
	w.stderr.waitFor(t, `"admin":"`+w.place.TempDir+`/netcore-1/admin.sock","http":"http://127.0.0.1:`)
	w.signals <- syscall.SIGTERM
	<-code
}

func TestServeStopWhileStarting(t *testing.T) {
	w := newWorld(t)
	w.kernel.ready = make(chan struct{})
	w.kernel.runErr = fmt.Errorf("start plugin tcp: %w", context.Canceled)
	code := make(chan int, 1)
	go func() { code <- w.run(t.Context(), quiet) }()
	w.signals <- syscall.SIGTERM
	if got := <-code; got != exitClean {
		t.Errorf("exit status %d, want %d: %s", got, exitClean, w.stderr.String())
	}
}

func TestServeReload(t *testing.T) {
	w := newWorld(t)
	path := filepath.Join(w.place.WorkDir, "netcore.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	listener := "listeners: [{name: a, protocol: tcp, handler: echo, address: ':7001'}]\n"
	write(listener)
	code := w.start(t, "-c", path)

	write(strings.Replace(listener, "7001", "7002", 1))
	w.signals <- syscall.SIGHUP
	if got, want := <-w.kernel.calls, "reload :7002"; got != want {
		t.Errorf("the kernel was told %q, want %q", got, want)
	}
	w.stderr.waitFor(t, "configuration reloaded")

	for _, tt := range []struct{ name, text, want string }{
		{"wrong", "listner: []\n" + listener, `netcore.yaml:1:1: listner: unknown key; did you mean \"listeners\"?`},
		{"fixed key", "log: {format: json}\n" + listener, `log.format cannot change from \"auto\" to \"json\" without a restart`},
	} {
		write(tt.text)
		w.signals <- syscall.SIGHUP
		w.stderr.waitFor(t, tt.want)
	}
	w.stderr.waitFor(t, "reload rejected, the old configuration stays")
	w.signals <- syscall.SIGTERM
	if got := <-code; got != exitClean {
		t.Errorf("exit status %d, want %d", got, exitClean)
	}
}

func TestServeStartErrors(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	open := t.TempDir()
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"no file", []string{"-c", "none.yaml"}, "none.yaml: no such file or directory\n"},
		{"wrong key", []string{"--set", "run_dri=x"}, `--set run_dri=x: run_dri: unknown key; did you mean "run_dir"?` + "\n"},
		{"run_dir is a file", []string{"--set", "run_dir=" + file}, "netcore: run_dir: mkdir"},
		{"run_dir below a file", []string{"--set", "run_dir=" + file + "/x"}, "netcore: run_dir: mkdir"},
		{"run_dir open to all", []string{"--set", "run_dir=" + open}, "can be written by others"},
		{"run_dir too long", []string{"--set", "run_dir=" + filepath.Join(open, strings.Repeat("x", 100))}, "is too long"},
		{"admin port in use", []string{"--set", "admin.listen=" + busy.Addr().String()}, "netcore: admin.listen: listen tcp"},
		{"argument", []string{"now"}, `netcore: unknown command "now" for "netcore run"` + "\n"},
		{"flag", []string{"--confg", "x"}, "netcore: unknown flag: --confg; see netcore run --help\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			if got := w.run(t.Context(), append([]string{"run"}, tt.args...)); got != exitFailed {
				t.Errorf("exit status %d, want %d", got, exitFailed)
			}
			if got := w.stderr.String(); !strings.Contains(got, tt.want) {
				t.Errorf("stderr is %q, want %q in it", got, tt.want)
			}
		})
	}
}

func TestServeTwice(t *testing.T) {
	w := newWorld(t)
	code := w.start(t)
	second := newWorld(t)
	second.place = w.place
	if got := second.run(t.Context(), quiet); got != exitFailed {
		t.Errorf("exit status %d, want %d", got, exitFailed)
	}
	if got := second.stderr.String(); !strings.Contains(got, "another netcore runs with this run_dir") {
		t.Errorf("stderr is %q", got)
	}
	w.signals <- syscall.SIGTERM
	<-code
}

func TestKernelProcs(t *testing.T) {
	tests := []struct {
		inherited bool
		available int
		want      int
	}{
		{false, 1, 1}, {false, 2, 1}, {false, 3, 0}, {true, 2, 0},
	}
	for _, tt := range tests {
		if got := kernelProcs(tt.inherited, tt.available); got != tt.want {
			t.Errorf("kernelProcs(%v, %d) = %d, want %d", tt.inherited, tt.available, got, tt.want)
		}
	}
}
