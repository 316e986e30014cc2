package e2e_test

import (
	"strings"
	"syscall"
	"testing"

	"github.com/netcore-go/netcore/test/e2e/internal/server"
)

// held is what a server holds after some swaps and kills.
type held struct {
	server.Usage
	Goroutines int // of the kernel
}

// TestNothingGrows swaps and kills both plugins again and again. What is held
// afterwards is what another server holds that has seen only a few.
func TestNothingGrows(t *testing.T) {
	few, many := 3, 25
	before, after := afterSwapsAndKills(t, few), afterSwapsAndKills(t, many)
	t.Logf("after %d swaps and kills: %+v; after %d: %+v", 4*few, before, 4*many, after)
	if after.Processes != before.Processes || after.Descriptors > before.Descriptors || after.Goroutines > before.Goroutines {
		t.Errorf("processes, descriptors or goroutines have grown")
	}
	// The runtime starts a thread when it needs one, and keeps it.
	if after.Threads > before.Threads+6 {
		t.Errorf("threads have grown")
	}
	// Less would be the noise of garbage; more than this is 50 KiB a swap or kill.
	if grown := after.PSS - before.PSS; grown > within[int64](4<<20) {
		t.Errorf("memory has grown by %.1f MiB", mib(grown))
	}
}

// afterSwapsAndKills runs a server with connections and returns what it holds
// after so many rounds of a swap and a kill of each plugin.
func afterSwapsAndKills(t *testing.T, rounds int) held {
	t.Helper()
	s, err := server.Start(bins, server.Config{YAML: server.EchoYAML})
	if err != nil {
		t.Fatal(err)
	}
	defer dispose(t, s)
	f := dial(t, s, 200)
	for range rounds {
		for _, plugin := range []string{"tcp", "echo"} {
			if _, err := s.Swap(plugin, ""); err != nil {
				t.Fatal(err)
			}
			pid, _ := kill(t, s, plugin)
			if err := s.AwaitSuccessor(plugin, pid); err != nil {
				t.Fatal(err)
			}
			if err := s.Forgive(plugin); err != nil {
				t.Fatal(err)
			}
		}
	}
	settleAndAsk(t, f)
	untouched(t, f)
	usage, err := s.Usage()
	if err != nil {
		t.Fatal(err)
	}
	return held{usage, goroutines(t, s)}
}

// goroutines ends a server by SIGQUIT, upon which the runtime lists them.
func goroutines(t *testing.T, s *server.Server) int {
	t.Helper()
	if err := s.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Exit(); err != nil {
		t.Fatal(err)
	}
	n := strings.Count(s.Log(), "\ngoroutine ")
	if n == 0 {
		t.Errorf("no goroutines in %s", s.Log())
	}
	return n
}

// dispose deletes a server that has not ended in order.
func dispose(t *testing.T, s *server.Server) {
	t.Helper()
	if err := s.Kill(); err != nil {
		t.Error(err)
	}
	if left, err := s.Living(); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if err := s.Remove(); err != nil {
		t.Error(err)
	}
}
