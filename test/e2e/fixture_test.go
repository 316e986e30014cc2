package e2e_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/netcore-go/netcore/test/e2e/internal/count"
	"github.com/netcore-go/netcore/test/e2e/internal/server"
)

// carriers are configurations of an echo server by the carrier of its links.
var carriers = map[string]string{"unix": server.EchoYAML, "grpc": server.GRPCYAML}

// start starts a server that the test's end stops; nothing may be left of it.
func start(t *testing.T, yaml string) *server.Server {
	t.Helper()
	s, err := server.Start(bins, server.Config{YAML: yaml})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
		finish(t, s)
	})
	return s
}

// finish checks that nothing is left of a server that has ended.
func finish(t *testing.T, s *server.Server) {
	t.Helper()
	left, err := s.Survivors()
	if err != nil {
		t.Error(err)
	}
	if len(left) > 0 {
		t.Errorf("left behind:\n%s", strings.Join(left, "\n"))
	}
	if t.Failed() {
		t.Logf("log of the server:\n%s", tail(s.Log(), 80))
	}
	if err := s.Remove(); err != nil {
		t.Error(err)
	}
}

func tail(text string, lines int) string {
	all := strings.Split(text, "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// patient is a context that ends when something hangs.
func patient(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), server.Patience)
	t.Cleanup(cancel)
	return ctx
}

// dial connects clients that the test's end closes. Each has been answered once.
func dial(t *testing.T, s *server.Server, n int) *count.Fleet {
	t.Helper()
	f, err := count.Dial(patient(t), s.Address, n)
	t.Cleanup(f.Close)
	if err == nil {
		err = f.Ask(patient(t))
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// talk has clients talk until stop is called, which fails the test if one of
// them hangs.
func talk(t *testing.T, conns []*count.Conn, rate int) (stop func()) {
	t.Helper()
	end := count.StartTalk(conns, rate)
	t.Cleanup(func() { _ = end() }) // stop has told
	return func() {
		t.Helper()
		if err := end(); err != nil {
			t.Error(err)
		}
	}
}

// settleAndAsk waits for all answers that are due, and then has every client
// that lives ask once more.
func settleAndAsk(t *testing.T, f *count.Fleet) {
	t.Helper()
	if err := f.Settle(patient(t)); err != nil {
		t.Fatal(err)
	}
	if err := f.Ask(patient(t)); err != nil {
		t.Fatal(err)
	}
}

// untouched fails the test if a client has noticed anything.
func untouched(t *testing.T, f *count.Fleet) count.Report {
	t.Helper()
	r := f.Report()
	if faults := r.Faults(); faults != "" {
		t.Errorf("faults: %s", faults)
	}
	if len(r.Ended) > 0 {
		t.Errorf("connections ended: %v, want none", r.Ended)
	}
	return r
}

func round(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }
