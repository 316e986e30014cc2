package e2e_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/netcore-go/netcore/test/e2e/internal/server"
)

// bins are the programs under test.
var bins server.Binaries

// full says that everything is repeated as often as the promises say.
var full = os.Getenv("NETCORE_E2E") == "full"

func TestMain(m *testing.M) {
	if address := os.Getenv(idleClientEnv); address != "" {
		if err := idleClient(address); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "nce2ebin")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if bins, err = server.Build(dir, raced); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// raced says that the programs are built with the race detector, which makes
// them several times slower and larger.
var raced = os.Getenv("NETCORE_E2E_RACE") != ""

// within is how much time or memory something may take for which d is promised:
// the promise is made for the programs as they are shipped.
func within[T time.Duration | int64](d T) T {
	if raced {
		return 10 * d
	}
	return d
}

// choose is the number for the full run or for the one by default.
func choose(inFull, byDefault int) int {
	if full {
		return inFull
	}
	return byDefault
}
