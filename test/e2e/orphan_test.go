package e2e_test

import (
	"context"
	"syscall"
	"testing"

	"github.com/netcore-go/netcore/test/e2e/internal/server"
)

// TestNothingIsLeft ends a server that has connections in all ways that there
// are. The server's own files may outlast only its violent death, and then the
// next one with the same run_dir clears them away.
func TestNothingIsLeft(t *testing.T) {
	ctx := context.Background()
	sig := func(sig syscall.Signal) func(*server.Server) error {
		return func(s *server.Server) error { return s.Signal(sig) }
	}
	tests := []struct {
		name string
		end  func(*server.Server) error
		code int
	}{
		{"stop", func(s *server.Server) error { return s.Admin.Stop(ctx, false) }, 0},
		{"stop by force", func(s *server.Server) error { return s.Admin.Stop(ctx, true) }, 2},
		{"drain", func(s *server.Server) error { return s.Admin.Drain(ctx) }, 0},
		{"SIGTERM", sig(syscall.SIGTERM), 0},
		{"SIGINT", sig(syscall.SIGINT), 0},
		{"SIGKILL", sig(syscall.SIGKILL), -1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, err := server.Start(bins, server.Config{YAML: server.EchoYAML})
			if err != nil {
				t.Fatal(err)
			}
			defer finish(t, s)
			f := dial(t, s, 100)
			if err := test.end(s); err != nil {
				t.Error(err)
			}
			code, err := s.Exit()
			if err != nil || code != test.code {
				t.Errorf("exit status %d, %v, want %d", code, err, test.code)
			}
			for _, c := range f.Conns() {
				c.Wait()
			}
			t.Logf("%d connections, exit status %d, %v", 100, code, f.Report().Ended)
			if test.code < 0 {
				again(t, s)
			}
		})
	}
}

// again checks that a violent death leaves no process and no socket in use, and
// runs the server once more, which clears away the files.
func again(t *testing.T, s *server.Server) {
	t.Helper()
	left, err := s.Living()
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	files, err := s.Files()
	if err != nil {
		t.Error(err)
	}
	t.Logf("for the next server to clear away: %v", files)
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	f := dial(t, s, 10)
	untouched(t, f)
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}

// TestSecondSignalForces ends a drain that waits for a client.
func TestSecondSignalForces(t *testing.T) {
	s, err := server.Start(bins, server.Config{YAML: server.EchoYAML})
	if err != nil {
		t.Fatal(err)
	}
	defer finish(t, s)
	busy := halfFrame(t, s)
	defer busy.Close()
	if err := s.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := s.AwaitState("draining"); err != nil {
		t.Fatal(err)
	}
	if err := s.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code, err := s.Exit(); err != nil || code != 2 {
		t.Errorf("exit status %d, %v, want 2", code, err)
	}
}
