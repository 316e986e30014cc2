package kernel_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/netcore-go/netcore/kernel"
)

// TestWhatTakesTime runs side by side what waits for the kernel's own time
// limits.
func TestWhatTakesTime(t *testing.T) {
	build(t, process) // it looks at what is left of all
	for _, tt := range []struct{ lie, reason string }{
		{"hang", "not ready within"},
		{"configure_hangs", "configure: "},
		{"silent", "no answer to OFFER"},
		{"foreign_ready", "no answer to OFFER"},
	} {
		t.Run(tt.lie, func(t *testing.T) {
			t.Parallel()
			r := start(t, process, beside)
			c := talk(t, r.addr(), 20)
			r.failsToSwap(t, c, tt.lie, tt.reason)
			c.unharmed(t)
		})
	}
	t.Run("deaf_to_close", func(t *testing.T) { t.Parallel(); deafToClose(t) })
	t.Run("stopped", func(t *testing.T) { t.Parallel(); stopped(t) })
}

// deafToClose: an instance never closes what it is told to close. The kernel does.
func deafToClose(t *testing.T) {
	r := build(t, process, beside, func(c *kernel.Config, _ *rig) { c.DrainTimeout = 300 * time.Millisecond })
	r.lies("protocol", "deaf_to_close")
	r.run()
	c := dial(t, r.addr())
	mustEcho(t, c)
	must(t, c.send("!close 0"))
	if _, err := c.receive(); !closed(err) {
		t.Errorf("receive() = %v, want the end of the connection", err)
	}
	r.lies("protocol", "")
	r.mustSwap("frames")
	eventually(t, func() error { return r.connections(0) })
}

// stopped: a plugin that stands still is killed; what is at rest survives.
func stopped(t *testing.T) {
	r := start(t, process, beside)
	clients := dialAll(t, r.addr(), 20)
	mustEcho(t, clients...)
	pid := r.settled("frames").Instances[0].PID
	must(t, syscall.Kill(pid, syscall.SIGSTOP))
	eventually(t, func() error {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err == nil && !strings.Contains(string(b), ") T ") {
			err = fmt.Errorf("it goes on: %s", b)
		}
		return err
	})
	for _, c := range clients {
		must(t, c.send("while it stands"))
	}
	for _, c := range clients {
		if got, err := c.receive(); got != "while it stands" {
			t.Fatalf("receive() = %q, %v", got, err)
		}
	}
	if s := r.settled("frames"); s.Deaths != 1 || s.Instances[0].PID == pid {
		t.Errorf("status = %+v, want one death and another process", s)
	}
	mustEcho(t, clients...)
}
