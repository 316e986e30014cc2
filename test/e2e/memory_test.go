package e2e_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/netcore-go/netcore/test/e2e/internal/count"
	"github.com/netcore-go/netcore/test/e2e/internal/server"
)

// idleClientEnv has this program be the client of TestMemory: it holds the
// address to connect to.
const idleClientEnv = "NETCORE_E2E_IDLE_CLIENT"

const (
	idlers = 5000
	// maxIdle is what an idle connection may take, in bytes, over all processes.
	maxIdle = 24 << 10
)

// idleClient connects, has each connection answered once, says so, and holds
// them until its input ends.
func idleClient(address string) error {
	f, err := count.Dial(context.Background(), address, idlers)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Ask(context.Background()); err != nil {
		return err
	}
	fmt.Println("ready")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func TestMemory(t *testing.T) {
	s := start(t, server.EchoYAML)
	before, err := s.Usage()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), idleClientEnv+"="+s.Address)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 6)
	_, rerr := io.ReadFull(out, line)
	after, err := s.Usage()
	in.Close()
	if werr := cmd.Wait(); werr != nil || rerr != nil {
		t.Fatalf("client: %v, %v", werr, rerr)
	}
	if err != nil {
		t.Fatal(err)
	}
	each := (after.PSS - before.PSS) / idlers
	t.Logf("%d idle connections: PSS %.1f MiB, without %.1f MiB: %d bytes each", idlers, mib(after.PSS), mib(before.PSS), each)
	if each > within[int64](maxIdle) {
		t.Errorf("an idle connection takes %d bytes, want at most %d", each, maxIdle)
	}
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }
