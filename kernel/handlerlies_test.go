package kernel_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/netcore-go/netcore/kernel"
)

// TestHandlerSuccessorFails has a handler's successor fail while connections
// move to it. They stay, with the old instance.
func TestHandlerSuccessorFails(t *testing.T) {
	tests := []struct{ lie, reason string }{
		{"exit", "no licence found"},
		{"wrong_kind", "is no handler"},
		{"on_bind", "exited with status 1"},
		{"too_much_ack", "acknowledges 100 messages of 0"},
		{"byte_seven_bind", "byte 7 is 1"},
	}
	r := start(t, process)
	clients := dialAll(t, r.addr(), 50)
	mustEcho(t, clients...)
	before := r.slot("script").Instances[0].PID
	for _, tt := range tests {
		t.Run(tt.lie, func(t *testing.T) {
			r.lies("handler", tt.lie)
			must(t, clients[0].send("!slow 1000")) // the move is not over before
			if _, err := r.swap("script", ""); err == nil || !strings.Contains(err.Error(), tt.reason) {
				t.Errorf("Swap() = %v, want an error with %q", err, tt.reason)
			}
			s := r.settled("script")
			if !strings.Contains(s.Reason, tt.reason) || s.Instances[0].PID != before {
				t.Errorf("status = %+v, want pid %d and reason %q", s, before, tt.reason)
			}
			if got, err := clients[0].receive(); got != "!slow 1000" {
				t.Fatalf("receive() = %q, %v, want the answer of the old instance", got, err)
			}
			mustEcho(t, clients...)
		})
	}
	if n := r.k.Status().Closed; len(n) > 0 {
		t.Errorf("closed = %v, want none", n)
	}
	if n := r.noted(); len(n["connect"]) != 50 || len(n["disconnect"]) != 0 {
		t.Errorf("%d OnConnect, %d OnDisconnect, want 50 and 0", len(n["connect"]), len(n["disconnect"]))
	}
}

// TestHandlerNeverAcknowledges: at the drain limit the old instance is killed;
// its connections stay, and the successor hears of what was lost.
func TestHandlerNeverAcknowledges(t *testing.T) {
	for _, mode := range []func(*kernel.Config, *rig){local, process} {
		r := start(t, mode, func(c *kernel.Config, _ *rig) { c.DrainTimeout = 500 * time.Millisecond })
		c, idle := dial(t, r.addr()), dial(t, r.addr())
		mustEcho(t, c, idle)
		must(t, c.send("!hold"))
		must(t, c.send("!hold"))
		eventually(t, func() error { return r.received(4) })
		report := r.mustSwap("script")
		if report.Moved != 1 || report.Remaining != 1 {
			t.Errorf("Swap() = %+v, want 1 moved and 1 remaining", report)
		}
		r.settled("script")
		mustEcho(t, c, idle)
		n := r.noted()
		if len(n["resume"]) != 1 || !strings.HasSuffix(n["resume"][0], " 2") || len(n["moved"]) != 1 || len(n["disconnect"]) != 0 {
			t.Errorf("events = %v, want one resume with 2 lost, one moved, no disconnect", n)
		}
		r.stop()
	}
}

// received returns an error unless the kernel has that many messages of clients.
func (r *rig) received(want int64) error {
	if n := r.k.Status().Total.MessagesReceived; n < want {
		return fmt.Errorf("%d messages received, want %d", n, want)
	}
	return nil
}

// TestHandlerLoss: what becomes of connections whose messages died with their
// handler.
func TestHandlerLoss(t *testing.T) {
	for _, tt := range []struct {
		policy kernel.LossPolicy
		keeps  bool
	}{{kernel.LossKeep, true}, {kernel.LossClose, false}} {
		t.Run(string(tt.policy), func(t *testing.T) {
			r := start(t, process, func(c *kernel.Config, _ *rig) {
				p := c.Plugins["script"]
				p.Env = append(p.Env, roleVar+"=forgetful")
				c.Plugins["script"] = p
				c.Listeners[0].OnHandlerLoss = tt.policy
			})
			c, idle := dial(t, r.addr()), dial(t, r.addr())
			mustEcho(t, c, idle)
			must(t, c.send("!hold"))
			eventually(t, func() error { return r.received(3) })
			r.kill("script")
			mustEcho(t, idle)
			if tt.keeps {
				mustEcho(t, c)
			} else if _, err := c.receive(); !closed(err) {
				t.Errorf("receive() = %v, want the end", err)
			}
			eventually(t, func() error {
				if n := r.k.Status().Closed["crashed"]; (n == 0) != tt.keeps {
					return fmt.Errorf("%d closed because of the crash, want none: %v", n, tt.keeps)
				}
				return nil
			})
		})
	}
}

// TestHandlerLiesAboutSizes: sizes in acknowledgements are the handler's, the
// window is the protocol's.
func TestHandlerLiesAboutSizes(t *testing.T) {
	r := build(t, process)
	r.lies("handler", "wrong_sizes")
	r.run()
	c := dial(t, r.addr())
	msg := strings.Repeat("x", 10_000)
	for range 500 {
		must(t, c.send(msg))
		if got, err := c.receive(); got != msg {
			t.Fatalf("echo of %d bytes, %v", len(got), err)
		}
	}
	for _, p := range r.k.Status().Plugins {
		if p.Deaths != 0 {
			t.Errorf("status = %+v, want no death", p)
		}
	}
}
