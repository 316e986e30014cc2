package proctree_test

import (
	"bufio"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/netcore-go/netcore/bench/internal/proctree"
)

func TestParse(t *testing.T) {
	pid, parent, cpu, start, err := proctree.Parse("4711 (a) b (c) S 815 1 2 3 4 5 6 7 8 9 150 25 12 13 20 0 1 0 99887 0 0")
	if pid != 4711 || parent != 815 || cpu != 1750*time.Millisecond || start != 99887 || err != nil {
		t.Errorf("Parse() = %d, %d, %v, %d, %v", pid, parent, cpu, start, err)
	}
	for _, line := range []string{"", "1 (x", "1 (x) S 2 3", "y (x) S 815 1 2 3 4 5 6 7 8 9 150 25 12 13 20 0 1 0 99887"} {
		if _, _, _, _, err := proctree.Parse(line); err == nil {
			t.Errorf("Parse(%q) = nil, want an error", line)
		}
	}
}

// A grandchild's work counts.
func TestReadTree(t *testing.T) {
	cmd := exec.Command("sh", "-c", `sh -c 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; echo done; read x'; :`)
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
	before, err := proctree.Read(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	after, err := proctree.Read(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	if d, err := after.Since(before); d <= 0 || err != nil || len(after) != 2 {
		t.Errorf("Since() = %v, %v over %d processes, want some time over 2", d, err, len(after))
	}
	in.Close()
	_ = cmd.Wait() // read fails at the end of input
	own, err := proctree.Read(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := own.Since(after); err == nil {
		t.Error("Since() of ended processes = nil, want an error")
	}
	if _, err := proctree.Read(cmd.Process.Pid); err == nil {
		t.Error("Read() of an ended process = nil, want an error")
	}
}
