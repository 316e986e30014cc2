package process_test

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/netcore-go/netcore/kernel/internal/process"
)

func TestStop(t *testing.T) {
	tests := []struct {
		mode    string
		timeout time.Duration
		killed  bool
		code    int // of the ExitError; 0: none
	}{
		{mode: "normal", timeout: patience},
		{mode: "badstop", timeout: patience, code: 4},
		{mode: "deaf", timeout: 300 * time.Millisecond, killed: true, code: -1},
	}
	for _, tt := range tests {
		t.Run(tt.mode, func(t *testing.T) {
			spec := specOf(t, tt.mode)
			p := start(t, spec)
			ctx, cancel := context.WithTimeout(t.Context(), tt.timeout)
			defer cancel()
			err := p.Stop(ctx)
			await(t, "the end", p.Done())
			var exit *process.ExitError
			code := 0
			if errors.As(err, &exit) {
				code = exit.Code
			}
			if code != tt.code || errors.Is(err, process.ErrKilled) != tt.killed {
				t.Errorf("Stop() = %v, want code %d, killed %v", err, tt.code, tt.killed)
			}
			awaitEmpty(t, spec.RunDir)
		})
	}
}

func TestDeathBySignal(t *testing.T) {
	p := start(t, specOf(t, "normal"))
	if err := syscall.Kill(p.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	await(t, "the death", p.Done())
	var exit *process.ExitError
	if !errors.As(p.Err(), &exit) || exit.Signal != syscall.SIGKILL || exit.Killed {
		t.Errorf("Err() = %#v, want signal 9 by another", p.Err())
	}
	p.Kill() // after the death: nothing
}

func TestPanic(t *testing.T) {
	p := start(t, specOf(t, "panic"))
	if err := configure(t, p); err == nil {
		t.Error("Configure() = nil, want an error")
	}
	await(t, "the death", p.Done())
	if !strings.HasPrefix(p.LastWords(), "panic: the dog ate my heap\n") {
		t.Errorf("LastWords() = %q, want the panic first", p.LastWords())
	}
	if want := "exited with status 2; its last words: panic: the dog ate my heap"; !strings.HasSuffix(p.Err().Error(), want) {
		t.Errorf("Err() = %v, want it to end in %q", p.Err(), want)
	}
}

func TestHang(t *testing.T) {
	spec := specOf(t, "normal")
	spec.Liveness = process.Liveness{Interval: 20 * time.Millisecond, Timeout: 100 * time.Millisecond, Silence: 500 * time.Millisecond}
	p := start(t, spec)
	select {
	case <-p.Hung():
		t.Fatal("a living process counts as hung")
	case <-time.After(700 * time.Millisecond):
	}
	if err := syscall.Kill(p.PID(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	await(t, "the hang", p.Hung())
	p.Kill()
	await(t, "the death", p.Done())
	if !errors.Is(p.Err(), process.ErrKilled) {
		t.Errorf("Err() = %v, want %v", p.Err(), process.ErrKilled)
	}
}

func TestStopOfStopped(t *testing.T) {
	p := start(t, specOf(t, "normal"))
	if err := syscall.Kill(p.PID(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := p.Stop(ctx); !errors.Is(err, process.ErrKilled) {
		t.Errorf("Stop() = %v, want %v", err, process.ErrKilled)
	}
}

func TestGrandchild(t *testing.T) {
	for _, mode := range []string{"grandchild", "session"} {
		t.Run(mode, func(t *testing.T) {
			p := start(t, specOf(t, mode))
			pid := describe(t, p).Grandchild
			killed := time.Now()
			p.Kill()
			await(t, "the death", p.Done())
			if d := time.Since(killed); d > 5*time.Second {
				t.Errorf("the death was known after %v", d)
			}
			if mode == "session" { // it has left the group: the test ends it
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
			awaitEnd(t, pid)
		})
	}
}

func TestKernelDeath(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), modeVar+"=middle", "RUN_DIR="+t.TempDir())
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	pid, convErr := strconv.Atoi(strings.TrimSpace(line))
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if err != nil || convErr != nil {
		t.Fatalf("the middle said %q (%v)", line, err)
	}
	awaitEnd(t, pid)
}

func TestNoLeaks(t *testing.T) {
	l := newLauncher(t)
	spec := specOf(t, "normal")
	live := func(n uint64) {
		spec.Incarnation = n
		p, err := l.Start(t.Context(), spec)
		if err != nil {
			t.Fatal(err)
		}
		if n%2 == 0 {
			p.Kill()
		} else if err := p.Stop(deadline(t)); err != nil {
			t.Fatal(err)
		}
		await(t, "the end", p.Done())
	}
	live(1)
	live(2)
	awaitEmpty(t, spec.RunDir)
	before := used(t)
	for n := uint64(3); n <= 102; n++ {
		live(n)
	}
	awaitEmpty(t, spec.RunDir)
	awaitUsage(t, before)
}
