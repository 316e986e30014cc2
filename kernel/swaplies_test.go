package kernel_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestSuccessorFails has a protocol's successor fail at each step of a swap,
// while clients talk: they notice nothing, and the reason is told.
func TestSuccessorFails(t *testing.T) {
	tests := []struct{ lie, reason string }{
		{"exit", "no licence found"},
		{"protocol", "version"},
		{"frame_version", "frame version 9"},
		{"wrong_kind", "is no protocol"},
		{"no_carrier", "no carrier"},
		{"field", "listener a: options.framing: is out of fashion"},
		{"after_configure", "health: "},
		{"on_offer", "exited with status 1"},
		{"refuses", "not my taste"},
		{"after_ready", "exited with status 1"},
		{"after_some", "exited with status 1"},
		{"size_small", "malformed frame: size 5"},
		{"size_huge", "malformed frame: size 2147483648"},
		{"kind_none", "malformed frame: kind"},
		{"kind_wrong", "malformed frame: kind"},
		{"kind_others", "BIND"},
		{"byte_seven", "byte 7 is 1"},
		{"headers", "bytes of headers"},
		{"long_data", "DATA of 16385 bytes"},
		{"half_frame", "exited with status 1"}, // or first "within a frame", or a descriptor that is not taken
		{"too_much_written", "WRITTEN"},
	}
	r := start(t, process)
	c := talk(t, r.addr(), 50)
	for _, tt := range tests {
		// What comes after a failure would only follow from it.
		if !t.Run(tt.lie, func(t *testing.T) { r.failsToSwap(t, c, tt.lie, tt.reason) }) {
			break
		}
	}
	r.lies("protocol", "")
	if report := r.mustSwap("frames"); report.Moved != 50 {
		t.Errorf("moved %d, want 50", report.Moved)
	}
	c.further(t)
	c.unharmed(t)
}

// failsToSwap swaps the protocol to a liar. The instance that serves goes on,
// and clients notice nothing.
func (r *rig) failsToSwap(t *testing.T, c *crowd, lie, reason string) {
	t.Helper()
	before := r.settled("frames").Instances[0].PID
	r.lies("protocol", lie)
	_, err := r.swap("frames", "")
	if err == nil || !strings.Contains(err.Error(), reason) {
		t.Errorf("Swap() = %v, want an error with %q", err, reason)
	}
	s := r.settled("frames")
	if !strings.Contains(s.Reason, reason) {
		t.Errorf("reason in status = %q, want %q in it", s.Reason, reason)
	}
	if got := s.Instances[0].PID; got != before {
		t.Errorf("pid %d serves, want %d as before", got, before)
	}
	if err := r.connections(len(c.clients)); err != nil {
		t.Errorf("%v; closed: %v", err, r.k.Status().Closed)
	}
	c.further(t)
}

// TestForeignFramesAreDropped: a successor sends frames for connections that
// are not its own, and its own by stale epochs.
func TestForeignFramesAreDropped(t *testing.T) {
	r := start(t, process)
	c := talk(t, r.addr(), 20)
	r.lies("protocol", "foreign")
	r.mustSwap("frames")
	c.further(t)
	if s := r.settled("frames"); s.Instances[0].Stale < 10_000 {
		t.Errorf("%d stale frames were counted, want at least 10000", s.Instances[0].Stale)
	}
	c.unharmed(t)
}

// TestMoreThanTheWindow: what a successor does to the one connection that it
// has harms no other.
func TestMoreThanTheWindow(t *testing.T) {
	r := start(t, process)
	c := talk(t, r.addr(), 20)
	r.lies("protocol", "beyond_window")
	if _, err := r.swap("frames", ""); err == nil || !strings.Contains(err.Error(), "are outstanding") {
		t.Errorf("Swap() = %v, want an error with what is outstanding", err)
	}
	r.settled("frames")
	c.further(t)
	c.harmed(t, 1)
}

// TestEndlessMessage: a message that never ends takes bounded memory, and ends
// the plugin.
func TestEndlessMessage(t *testing.T) {
	r := start(t, process)
	c := talk(t, r.addr(), 20)
	r.lies("protocol", "endless_message")
	_, _ = r.swap("frames", "") // it may be over before the lie is found out
	eventually(t, func() error {
		if s := r.slot("frames"); !strings.Contains(s.Reason, "a message of more than") {
			return fmt.Errorf("status is %+v", s)
		}
		return nil
	})
	r.lies("protocol", "")
	r.settled("frames")
	c.further(t)
	c.harmed(t, 1)
}
