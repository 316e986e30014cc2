package process_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netcore-go/netcore/kernel/internal/process"
)

func TestStartFailures(t *testing.T) {
	tests := []struct {
		name   string
		mode   string
		change func(*process.Spec)
		want   []string // besides the plugin's name and path
	}{
		{name: "exits at once", mode: "exit", want: []string{"exited with status 3", "no licence found"}},
		{name: "silent", mode: "silent", change: func(s *process.Spec) { s.StartTimeout = 500 * time.Millisecond }, want: []string{"not ready within 500ms", "thinking"}},
		{name: "closed stdout", mode: "closed", want: []string{"it closed its stdout without a handshake"}},
		{name: "garbage", mode: "garbage", want: []string{`"hello, world"`, "handshake"}},
		{name: "long line", mode: "long", want: []string{"xxxx", "handshake"}},
		{name: "other version", mode: "version", want: []string{"speaks version 7 of the plugin contract", "kernel speaks version 1"}},
		{name: "other cookie", mode: "cookie", want: []string{"exited with status 1", "This binary is a plugin"}},
		{name: "no unix socket", mode: "tcp", want: []string{"listens on tcp 127.0.0.1:1"}},
		{name: "hash", change: func(s *process.Spec) { s.SHA256 = strings.Repeat("ab", 32) }, want: []string{"sha256 is ", "want abab"}},
		{name: "no file", change: func(s *process.Spec) { s.Path = "/nowhere/netcore-x" }, want: []string{"no such file"}},
		{name: "directory", change: func(s *process.Spec) { s.Path = "/" }, want: []string{"is a directory"}},
		{name: "device", change: func(s *process.Spec) { s.Path = "/dev/null" }, want: []string{"not a regular file"}},
		{name: "long run directory", change: func(s *process.Spec) { s.RunDir = "/" + strings.Repeat("d", 90) }, want: []string{"too long"}},
		{name: "bad variable", change: func(s *process.Spec) { s.Env = []string{"NOVALUE"} }, want: []string{`"NOVALUE" is not NAME=value`}},
		{name: "bad name", change: func(s *process.Spec) { s.Name = "../x" }, want: []string{"no file name"}},
	}
	l := newLauncher(t)
	_, _ = l.Start(t.Context(), process.Spec{}) // starts the launcher's thread
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			spec := specOf(t, tt.mode)
			if tt.change != nil {
				tt.change(&spec)
			}
			before := used(t)
			_, err := l.Start(t.Context(), spec)
			if err == nil {
				t.Fatal("Start() = nil, want an error")
			}
			for _, want := range append(tt.want, "start plugin "+spec.Name+" ("+spec.Path+")") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("Start() = %q, want it to contain %q", err, want)
				}
			}
			awaitUsage(t, before)
			if entries, err := os.ReadDir(spec.RunDir); err == nil && len(entries) > 0 {
				t.Errorf("run directory holds %v, want nothing", entries)
			}
		})
	}
}

func TestStartRefusesFile(t *testing.T) {
	tests := []struct {
		name string
		data string
		mode os.FileMode
		want string
	}{
		{name: "not executable", data: "x", mode: 0o644, want: "chmod +x"},
		{name: "writable by all", data: "x", mode: 0o757, want: "chmod go-w"},
		{name: "no program", data: "x", mode: 0o755, want: "exec format error"},
		{name: "no interpreter", data: "#!/nowhere/python\n", mode: 0o755, want: "interpreter"},
	}
	l := newLauncher(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			spec := specOf(t, "")
			spec.Path = filepath.Join(t.TempDir(), "netcore-x")
			if err := os.WriteFile(spec.Path, []byte(tt.data), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(spec.Path, tt.mode); err != nil {
				t.Fatal(err)
			}
			_, err := l.Start(t.Context(), spec)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Start() = %v, want it to contain %q", err, tt.want)
			}
			awaitEmpty(t, spec.RunDir)
		})
	}
}

func TestStartCancelled(t *testing.T) {
	l := newLauncher(t)
	spec := specOf(t, "silent")
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	if _, err := l.Start(ctx, spec); !errors.Is(err, context.Canceled) {
		t.Errorf("Start() = %v, want %v", err, context.Canceled)
	}
	awaitEmpty(t, spec.RunDir)
}

func TestLauncherClose(t *testing.T) {
	l := newLauncher(t)
	p, err := l.Start(t.Context(), specOf(t, "normal"))
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	await(t, "the death", p.Done())
	if !errors.Is(p.Err(), process.ErrKilled) {
		t.Errorf("Err() = %v, want %v", p.Err(), process.ErrKilled)
	}
	if _, err := l.Start(t.Context(), specOf(t, "normal")); !errors.Is(err, process.ErrClosed) {
		t.Errorf("Start() = %v, want %v", err, process.ErrClosed)
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("SECRET_OF_THE_KERNEL", "1")
	t.Setenv("LANG", "C.UTF-8")
	spec := specOf(t, "normal")
	spec.Args = []string{"-x"}
	spec.Env = append(spec.Env, "A=1", "A=2", "NETCORE_PLUGIN=mine")
	spec.GOMAXPROCS = 1
	link := filepath.Join(t.TempDir(), "netcore-linked")
	if err := os.Symlink(spec.Path, link); err != nil {
		t.Fatal(err)
	}
	spec.Path = link
	p := start(t, spec)
	r := describe(t, p)
	for _, want := range []string{"A=2", "GOMAXPROCS=1", "LANG=C.UTF-8"} {
		if !slices.Contains(r.Env, want) {
			t.Errorf("environment = %q, want %s in it", r.Env, want)
		}
	}
	for _, kv := range r.Env {
		if strings.HasPrefix(kv, "SECRET") || kv == "A=1" || kv == "NETCORE_PLUGIN=mine" {
			t.Errorf("environment has %s", kv)
		}
	}
	if want := []string{link, "-x"}; !slices.Equal(r.Args, want) {
		t.Errorf("arguments = %q, want %q", r.Args, want)
	}
	if r.Comm != "netcore-linked" || r.Stdin != os.DevNull || r.Group != p.PID() {
		t.Errorf("comm, stdin, group = %q, %q, %d, want netcore-linked, %s, %d", r.Comm, r.Stdin, r.Group, os.DevNull, p.PID())
	}
}

func TestHashAndMTLS(t *testing.T) {
	spec := specOf(t, "normal")
	data, err := os.ReadFile(spec.Path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	spec.SHA256 = strings.ToUpper(hex.EncodeToString(sum[:]))
	spec.MTLS = true
	describe(t, start(t, spec))
}

func TestScript(t *testing.T) {
	spec := specOf(t, "normal")
	spec.Env = append(spec.Env, "REAL="+spec.Path)
	spec.Path = filepath.Join(t.TempDir(), "netcore-script")
	script := "#!/bin/sh\nexec \"$REAL\" \"$@\"\n"
	if err := os.WriteFile(spec.Path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	describe(t, start(t, spec))
}

func TestFilesStayNonBlocking(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[0])
	spec := specOf(t, "file")
	spec.Files = []int{fds[1]}
	p := start(t, spec)
	flags, err := unix.FcntlInt(uintptr(fds[1]), unix.F_GETFL, 0)
	if err != nil || flags&unix.O_NONBLOCK == 0 {
		t.Errorf("F_GETFL = %#x, %v, want O_NONBLOCK in it", flags, err)
	}
	unix.Close(fds[1])
	describe(t, p)
	buf := make([]byte, 64)
	n, err := unix.Read(fds[0], buf)
	if want := []byte("hello from the child\n"); err != nil || !bytes.Equal(buf[:n], want) {
		t.Errorf("read %q, %v, want %q", buf[:max(n, 0)], err, want)
	}
}

// A start may be cut off at any of its stages.
func TestStartCutOff(t *testing.T) {
	l := newLauncher(t)
	_, _ = l.Start(t.Context(), process.Spec{}) // starts the launcher's thread
	spec := specOf(t, "normal")
	before := used(t)
	var starts sync.WaitGroup
	for i := range 40 {
		starts.Go(func() {
			spec := spec
			spec.Incarnation = uint64(i)
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*2*time.Millisecond)
			defer cancel()
			p, err := l.Start(ctx, spec)
			switch {
			case err == nil:
				p.Kill()
				await(t, "the death", p.Done())
			case !errors.Is(err, context.DeadlineExceeded):
				t.Errorf("Start() = %v, want %v", err, context.DeadlineExceeded)
			}
		})
	}
	starts.Wait()
	awaitEmpty(t, spec.RunDir)
	awaitUsage(t, before)
}
