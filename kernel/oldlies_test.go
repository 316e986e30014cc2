package kernel_test

import (
	"strings"
	"testing"
)

// TestOldInstanceFails has the instance that is to be replaced fail while its
// connections move. They are at rest and all survive.
func TestOldInstanceFails(t *testing.T) {
	tests := []struct{ lie, reason string }{
		{"never_prepared", "no answer to PREPARE"},
		{"record_unread", "record of version 1 with 3 unread bytes of 1"},
		{"record_version", "record of version 9"},
		{"record_garbage", "record: "},
		{"on_prepare", "exited with status 1"},
	}
	for _, tt := range tests {
		t.Run(tt.lie, func(t *testing.T) {
			r := build(t, process)
			r.lies("protocol", tt.lie)
			r.run()
			clients := dialAll(t, r.addr(), 50)
			mustEcho(t, clients...)
			r.lies("protocol", "")
			if _, err := r.swap("frames", ""); err != nil {
				t.Errorf("Swap() = %v, want nil: the successor serves", err)
			}
			s := r.settled("frames")
			if !strings.Contains(s.Reason, tt.reason) || s.Deaths != 1 || s.Instances[0].Incarnation != 2 {
				t.Errorf("status = %+v, want 1 death because of %q, and incarnation 2", s, tt.reason)
			}
			mustEcho(t, clients...)
			mustEcho(t, dial(t, r.addr()))
			if n := r.k.Status().Closed; len(n) > 0 {
				t.Errorf("closed = %v, want none", n)
			}
		})
	}
}

// TestClosedAtRest: an instance closes connections that it has let go of. It
// loses them, and nothing else goes wrong.
func TestClosedAtRest(t *testing.T) {
	r := build(t, process)
	r.lies("protocol", "done_at_rest")
	r.run()
	clients := dialAll(t, r.addr(), 10)
	mustEcho(t, clients...)
	r.lies("protocol", "")
	_, _ = r.swap("frames", "") // who of the two is first is open
	s := r.settled("frames")
	if !strings.Contains(s.Reason, "at rest") {
		t.Errorf("reason = %q, want that the connection was at rest", s.Reason)
	}
	mustEcho(t, clients...)
	mustEcho(t, dial(t, r.addr()))
}
