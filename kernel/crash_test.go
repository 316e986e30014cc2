package kernel_test

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/netcore-go/netcore/kernel"
)

// kill kills the instance that serves, and waits until another does.
func (r *rig) kill(name string) {
	r.t.Helper()
	old := r.settled(name).Instances[0]
	must(r.t, syscall.Kill(old.PID, syscall.SIGKILL))
	r.replaced(name, old.PID)
}

// replaced waits until another process than that one serves.
func (r *rig) replaced(name string, pid int) {
	r.t.Helper()
	eventually(r.t, func() error {
		if s := r.slot(name); s.State != "serving" || len(s.Instances) != 1 || s.Instances[0].PID == pid {
			return fmt.Errorf("plugin %s is %+v", name, s)
		}
		return nil
	})
}

// calm forgets deaths, so that the next is not one too many.
func (r *rig) calm(name string) {
	r.t.Helper()
	must(r.t, r.k.Reset(r.t.Context(), name))
}

// TestKilledProtocol kills the protocol again and again under clients that are
// at rest, and under some that talk. The former survive, each of the latter
// goes on without a fault or is closed, and the kernel's count of those is the
// clients' own. Nobody is refused.
func TestKilledProtocol(t *testing.T) {
	r := start(t, process)
	idle := dialAll(t, r.addr(), 50)
	mustEcho(t, idle...)
	cut := int64(0)
	for range 12 {
		c := talk(t, r.addr(), 20)
		r.kill("frames")
		mustEcho(t, idle...)
		mustEcho(t, dial(t, r.addr()))
		c.stop()
		for i, err := range c.errs {
			switch {
			case err == nil:
			case closed(err):
				cut++
			default:
				t.Errorf("client %d: %v", i, err)
			}
			_ = c.clients[i].Close()
		}
		r.calm("frames")
	}
	eventually(t, func() error {
		if n := r.k.Status().Closed; n["crashed"]+n["reset"] != cut {
			return fmt.Errorf("closed = %v, clients were cut off %d times", n, cut)
		}
		return nil
	})
}

// TestKilledHandler kills the handler again and again: all connections stay.
// What a client had asked may be lost.
func TestKilledHandler(t *testing.T) {
	r := start(t, process)
	clients := dialAll(t, r.addr(), 50)
	for i, c := range clients {
		mustAsk(t, c, fmt.Sprintf("!set name %d", i), "ok")
		mustAsk(t, c, "!join all", "ok")
	}
	for range 12 {
		r.kill("script")
		r.calm("script")
		mustEcho(t, clients...)
	}
	for i, c := range clients {
		mustAsk(t, c, "!get name", fmt.Sprint(i))
	}
	mustAsk(t, clients[0], "!cast all 1 5", "ok")
	for _, c := range clients[1:] {
		if got, err := c.receive(); err != nil || len(got) != 5 {
			t.Fatalf("broadcast = %q, %v", got, err)
		}
	}
	n := r.noted()
	if len(n["connect"]) != 50 || len(n["disconnect"]) != 0 || len(n["resume"]) != 12*50 {
		t.Errorf("%d OnConnect, %d OnDisconnect, %d OnResume, want 50, 0, 600", len(n["connect"]), len(n["disconnect"]), len(n["resume"]))
	}
	if n := r.k.Status().Closed; len(n) > 0 {
		t.Errorf("closed = %v, want none", n)
	}
}

// TestBothKilled kills both plugins at once.
func TestBothKilled(t *testing.T) {
	r := start(t, process)
	clients := dialAll(t, r.addr(), 50)
	mustEcho(t, clients...)
	for range 3 {
		p, h := r.settled("frames").Instances[0].PID, r.settled("script").Instances[0].PID
		eventually(t, func() error { // a client may have its answer before the kernel is told that it was written
			if s := r.k.Status().Total; s.MessagesSent != s.MessagesReceived {
				return fmt.Errorf("%d answers of %d are known to be written", s.MessagesSent, s.MessagesReceived)
			}
			return nil
		})
		must(t, syscall.Kill(p, syscall.SIGKILL))
		must(t, syscall.Kill(h, syscall.SIGKILL))
		r.replaced("frames", p) // a dying process may still take a message with it
		r.replaced("script", h)
		mustEcho(t, clients...)
	}
	if n := r.k.Status().Closed; len(n) > 0 {
		t.Errorf("closed = %v, want none", n)
	}
}

// TestCrashLoopRollsBack: a plugin that dies again and again after a swap is rolled back
// to the one before.
func TestCrashLoopRollsBack(t *testing.T) {
	bad := binaryWith(t, "short_life")
	r := start(t, process)
	clients := dialAll(t, r.addr(), 5)
	mustEcho(t, clients...)
	good := r.settled("script").Path
	report, err := r.swap("script", bad)
	if err != nil {
		t.Fatalf("Swap() = %v, want nil: it lives long enough", err)
	}
	if report.Incarnation != 2 {
		t.Errorf("Swap() = %+v, want incarnation 2", report)
	}
	eventually(t, func() error {
		if s := r.slot("script"); s.State != "serving" || !strings.Contains(s.Reason, "rolled back") || s.Path != good {
			return fmt.Errorf("status is %+v", s)
		}
		return nil
	})
	if s := r.slot("script"); s.Deaths != 6 {
		t.Errorf("%d deaths, want 6", s.Deaths)
	}
	mustEcho(t, clients...)
}

// TestCrashLoopEndsInQuarantine: with nothing to go back to, the slot gives up,
// says why, and begins anew when it is told to. Connections end, new ones are
// not left hanging.
func TestCrashLoopEndsInQuarantine(t *testing.T) {
	for _, tt := range []struct{ role, name string }{{"protocol", "frames"}, {"handler", "script"}} {
		t.Run(tt.role, func(t *testing.T) {
			r := start(t, process)
			c := dial(t, r.addr())
			mustEcho(t, c)
			r.lies(tt.role, "short_life")
			must(t, syscall.Kill(r.settled(tt.name).Instances[0].PID, syscall.SIGKILL))
			eventually(t, func() error {
				if s := r.slot(tt.name); s.State != "quarantined" || !strings.Contains(s.Reason, "died 6 times") {
					return fmt.Errorf("status is %+v", s)
				}
				return nil
			})
			if _, err := c.receive(); !closed(err) {
				t.Errorf("receive() = %v, want the end of the connection", err)
			}
			if !refused(t, "", r.addr()) {
				t.Error("a client was served in quarantine")
			}
			eventually(t, func() error { return r.connections(0) })
			if _, err := r.k.Rollback(t.Context(), tt.name); err == nil {
				t.Error("Rollback() = nil, want an error: there is nothing to go back to")
			}
			r.lies(tt.role, "")
			must(t, r.k.Reset(t.Context(), tt.name))
			mustEcho(t, dial(t, r.addr()))
			if s := r.settled(tt.name); s.Reason != "" {
				t.Errorf("reason = %q, want none", s.Reason)
			}
		})
	}
}

// TestQuarantineForgetsTheGone: a client that has gone while its handler was
// dead is forgotten when the handler is given up.
func TestQuarantineForgetsTheGone(t *testing.T) {
	r := start(t, process)
	c := dial(t, r.addr())
	mustEcho(t, c)
	r.lies("handler", "hang")
	must(t, syscall.Kill(r.settled("script").Instances[0].PID, syscall.SIGKILL))
	eventually(t, func() error {
		if s := r.slot("script"); len(s.Instances) > 0 {
			return fmt.Errorf("status is %+v", s)
		}
		return nil
	})
	must(t, c.Close())
	ctx := t.Context()
	eventually(t, func() error {
		if all := r.k.Connections(0, ""); len(all) != 1 || all[0].State == "connected" {
			return fmt.Errorf("connections are %+v, want one that ends", all)
		}
		return nil
	})
	r.lies("handler", "")
	eventually(t, func() error { // the one that hangs is given up in the end
		if err := r.k.Reset(ctx, "script"); err != nil && !errors.Is(err, kernel.ErrBusy) {
			return err
		}
		return r.connections(0)
	})
	if n := r.noted(); len(n["disconnect"]) != 1 {
		t.Errorf("events = %v, want one disconnect", n)
	}
}

// TestSwapIsBusy: one operation at a time.
func TestSwapIsBusy(t *testing.T) {
	r := start(t, process)
	r.lies("handler", "hang")
	first := make(chan error, 1) // one result
	go func() {
		_, err := r.swap("script", "")
		first <- err
	}()
	eventually(t, func() error {
		if s := r.slot("script"); s.State != "swapping" {
			return fmt.Errorf("status is %+v", s)
		}
		return nil
	})
	if _, err := r.swap("script", ""); !errors.Is(err, kernel.ErrBusy) {
		t.Errorf("second Swap() = %v, want ErrBusy", err)
	}
	if _, err := r.swap("nobody", ""); !errors.Is(err, kernel.ErrUnknown) {
		t.Errorf("Swap(nobody) = %v, want ErrUnknown", err)
	}
	c := dial(t, r.addr())
	for range 20 {
		mustEcho(t, c)
		<-time.After(time.Millisecond)
	}
	r.stop()
	if err := <-first; err == nil {
		t.Error("Swap() = nil though the kernel was stopped meanwhile")
	}
}
