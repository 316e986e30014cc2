package e2e_test

import (
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netcore-go/netcore/test/e2e/internal/server"
)

// replaced is how long after SIGSTOP a plugin's successor may take to serve.
const replaced = 4 * time.Second

// stopPlugin stops the process of a plugin, and returns a handle that goes on to
// mean that process after it has died.
func stopPlugin(t *testing.T, s *server.Server, plugin string) (pid, pidfd int, at time.Time) {
	t.Helper()
	pid, err := s.Plugin(plugin)
	if err != nil {
		t.Fatal(err)
	}
	if pidfd, err = unix.PidfdOpen(pid, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(pidfd) })
	at = time.Now()
	if err := unix.PidfdSendSignal(pidfd, syscall.SIGSTOP, nil, 0); err != nil {
		t.Fatal(err)
	}
	return pid, pidfd, at
}

// TestStopProtocol stops the protocol plugin for good: it is replaced, and cannot
// be continued.
func TestStopProtocol(t *testing.T) {
	s := start(t, server.EchoYAML)
	g := siege{s: s, f: dial(t, s, crowd), talkers: talkers, rate: rate, limit: within(replaced)}
	var pidfd int
	b := g.round(t, func() (pid int, at time.Time) {
		pid, pidfd, at = stopPlugin(t, s, "tcp")
		return pid, at
	})
	continueDead(t, pidfd)
	if err := g.f.Ask(patient(t)); err != nil {
		t.Fatal(err)
	}
	t.Logf("tcp stopped with %d connections: back after %v; %d ended, at most %v after the stop; %v",
		crowd, round(b.back), b.ended, round(b.worst), g.f.Report())
}

// TestStopHandler does the same with the handler: no connection ends.
func TestStopHandler(t *testing.T) {
	s := start(t, server.EchoYAML)
	f := dial(t, s, crowd)
	stop := talk(t, f.Conns()[:talkers], rate)
	if err := f.AwaitAnswers(patient(t), rate/2); err != nil {
		t.Fatal(err)
	}
	before := outstanding(f) - int(f.Sent())
	pid, pidfd, at := stopPlugin(t, s, "echo")
	if err := s.AwaitSuccessor("echo", pid); err != nil {
		t.Fatal(err)
	}
	bound := before + int(f.Sent())
	if err := f.AwaitAnswers(patient(t), talkers); err != nil {
		t.Fatal(err)
	}
	back := time.Since(at)
	continueDead(t, pidfd)
	stop()
	if err := f.Ask(patient(t)); err != nil {
		t.Fatal(err)
	}
	r := f.Report()
	lost := r.Lost
	if r.Lost = 0; r.Faults() != "" || len(r.Ended) > 0 {
		t.Errorf("ended %v, faults: %s", r.Ended, r.Faults())
	}
	if back > within(replaced) || lost > bound {
		t.Errorf("back after %v with %d messages lost, want at most %v and %d", back, lost, replaced, bound)
	}
	t.Logf("echo stopped with %d connections: back after %v; %d of %d messages lost, no connection", crowd, round(back), lost, r.Sent)
}

// continueDead checks that a process that was replaced is dead.
func continueDead(t *testing.T, pidfd int) {
	t.Helper()
	if err := unix.PidfdSendSignal(pidfd, syscall.SIGCONT, nil, 0); err != unix.ESRCH {
		t.Errorf("continue the process that was replaced: %v, want %v", err, unix.ESRCH)
	}
}

// TestShortStop stops each plugin for less time than makes a hang: nothing is
// noticed but the pause.
func TestShortStop(t *testing.T) {
	s := start(t, server.EchoYAML)
	f := dial(t, s, 500)
	stop := talk(t, f.Conns()[:100], 500)
	for _, plugin := range []string{"tcp", "echo"} {
		if err := f.AwaitAnswers(patient(t), 100); err != nil {
			t.Fatal(err)
		}
		_, pidfd, _ := stopPlugin(t, s, plugin)
		<-time.After(time.Second) // how long it stands still
		if err := unix.PidfdSendSignal(pidfd, syscall.SIGCONT, nil, 0); err != nil {
			t.Fatal(err)
		}
		if err := f.AwaitAnswers(patient(t), 100); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	settleAndAsk(t, f)
	t.Logf("tcp and echo stopped for a second each: %v", untouched(t, f))
	if st, err := s.Status(); err != nil || st.Plugins[0].Deaths+st.Plugins[1].Deaths != 0 {
		t.Errorf("plugins have died: %+v, %v", st.Plugins, err)
	}
}
