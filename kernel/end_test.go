package kernel_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/netcore-go/netcore/kernel"
)

func (c *client) shutWrite(t *testing.T) {
	t.Helper()
	must(t, c.Conn.(*net.TCPConn).CloseWrite())
}

// TestHalfClose: a client that ends its direction gets the answers to all that
// it has asked, and then the end.
func TestHalfClose(t *testing.T) {
	for _, mode := range []func(*kernel.Config, *rig){local, process} {
		r := start(t, mode)
		c := dial(t, r.addr())
		for range 100 {
			must(t, c.send("a question"))
		}
		must(t, c.send("!slow 50"))
		c.shutWrite(t)
		for range 100 {
			if got, err := c.receive(); err != nil || got != "a question" {
				t.Fatalf("receive() = %q, %v", got, err)
			}
		}
		if got, err := c.receive(); err != nil || got != "!slow 50" {
			t.Fatalf("receive() = %q, %v", got, err)
		}
		if _, err := c.receive(); !errors.Is(err, io.EOF) {
			t.Errorf("receive() = %v, want EOF", err)
		}
		eventually(t, func() error { return r.connections(0) })
		eventually(t, func() error { // it is counted after it has left the table
			if n := r.k.Status().Closed; n["orderly"] != 1 || len(n) != 1 {
				return fmt.Errorf("closed = %v, want 1 orderly", n)
			}
			return nil
		})
		r.stop()
	}
}

// TestResetAndHalfFrame: a client that resets, and one that ends in the middle of a frame.
func TestResetAndHalfFrame(t *testing.T) {
	r := start(t, process)
	c, half, other := dial(t, r.addr()), dial(t, r.addr()), dial(t, r.addr())
	mustEcho(t, c, half, other)
	must(t, c.Conn.(*net.TCPConn).SetLinger(0))
	must(t, c.Close())
	_, err := half.Write(frameOf([]byte("a long message"))[:7])
	must(t, err)
	half.shutWrite(t)
	if _, err := half.receive(); !closed(err) {
		t.Errorf("receive() = %v, want the end", err)
	}
	eventually(t, func() error { return r.connections(1) })
	mustEcho(t, other)
	if n := r.k.Status().Closed; n["reset"] != 1 {
		t.Errorf("closed = %v, want 1 reset", n)
	}
}

// TestCloseSendsTheRest: what a handler sent before Close arrives, across a swap
// and without.
func TestCloseSendsTheRest(t *testing.T) {
	for _, swap := range []string{"", "frames", "script"} {
		r := start(t, process)
		c := dial(t, r.addr())
		must(t, c.send(fmt.Sprintf("!close 400 %d", floodSize)))
		done := make(chan struct{})
		if swap != "" {
			go func() { // ends with the swap
				defer close(done)
				_, _ = r.swap(swap, "")
			}()
		} else {
			close(done)
		}
		for i := range uint64(400) {
			msg, err := c.receive()
			if err != nil || len(msg) != floodSize || binary.BigEndian.Uint64([]byte(msg)) != i {
				t.Fatalf("swap of %q: message %d: %d bytes, %v", swap, i, len(msg), err)
			}
		}
		if _, err := c.receive(); !errors.Is(err, io.EOF) {
			t.Errorf("receive() = %v, want EOF", err)
		}
		<-done
		eventually(t, func() error { return r.connections(0) })
		r.stop()
	}
}

// TestDrain: requests in flight get their answers, connections at rest are
// closed, nobody new is taken.
func TestDrain(t *testing.T) {
	for _, mode := range []func(*kernel.Config, *rig){local, process} {
		r := start(t, mode)
		idle, busy := dial(t, r.addr()), dialAll(t, r.addr(), 20)
		mustEcho(t, idle)
		mustEcho(t, busy...)
		for _, c := range busy {
			must(t, c.send("!slow 300"))
		}
		eventually(t, func() error { return r.received(41) })
		addr := r.addr()
		ended := make(chan error, 1) // one result
		go func() { ended <- r.k.Drain(context.Background()) }()
		if _, err := idle.receive(); !errors.Is(err, io.EOF) {
			t.Errorf("idle: receive() = %v, want EOF", err)
		}
		if c, err := net.Dial("tcp", addr); err == nil {
			_ = c.Close()
			t.Error("a new connection was taken")
		}
		for _, c := range busy {
			if got, err := c.receive(); err != nil || got != "!slow 300" {
				t.Errorf("busy: receive() = %q, %v, want the answer", got, err)
			}
			if _, err := c.receive(); !errors.Is(err, io.EOF) {
				t.Errorf("busy: receive() = %v, want EOF", err)
			}
		}
		must(t, <-ended)
		r.ended()
		if r.err != nil {
			t.Errorf("Run() = %v, want nil", r.err)
		}
		if _, err := r.k.Swap(t.Context(), "script", ""); !errors.Is(err, kernel.ErrDraining) {
			t.Errorf("Swap() = %v, want ErrDraining", err)
		}
		if s := r.k.Status(); s.Closed["draining"] != 21 || s.State != "stopped" {
			t.Errorf("status = %+v, want 21 closed by the drain, stopped", s)
		}
	}
}

// TestDrainUnderLoad: everybody gets the answer to what the server had.
func TestDrainUnderLoad(t *testing.T) {
	r := start(t, process)
	c := talk(t, r.addr(), 50)
	must(t, r.k.Drain(t.Context()))
	c.wg.Wait()
	for i, err := range c.errs {
		if !closed(err) {
			t.Errorf("client %d: %v, want the end of the connection", i, err)
		}
	}
	r.ended()
	if r.err != nil {
		t.Errorf("Run() = %v, want nil", r.err)
	}
}

// TestDrainLimit: what has not ended by then is cut off, and Run says so.
func TestDrainLimit(t *testing.T) {
	for _, mode := range []func(*kernel.Config, *rig){local, process} {
		r := start(t, mode, func(c *kernel.Config, _ *rig) { c.DrainTimeout = 300 * time.Millisecond })
		c := dial(t, r.addr())
		must(t, c.send("!hold"))
		eventually(t, func() error { return r.received(1) })
		must(t, r.k.Drain(t.Context()))
		r.ended()
		if !errors.Is(r.err, kernel.ErrUnclean) {
			t.Errorf("Run() = %v, want ErrUnclean", r.err)
		}
		if _, err := c.receive(); !closed(err) {
			t.Errorf("receive() = %v, want the end", err)
		}
	}
}

// TestStopDuringDrain: Stop cuts a drain short.
func TestStopDuringDrain(t *testing.T) {
	r := start(t, process)
	c := dial(t, r.addr())
	must(t, c.send("!hold"))
	eventually(t, func() error { return r.received(1) })
	ended := make(chan error, 1) // one result
	go func() { ended <- r.k.Drain(context.Background()) }()
	eventually(t, func() error {
		if s := r.k.Status().State; s != "draining" {
			return fmt.Errorf("state is %s", s)
		}
		return nil
	})
	began := time.Now()
	r.stop()
	must(t, <-ended)
	if took := time.Since(began); took >= r.cfg.DrainTimeout || r.err != nil {
		t.Errorf("Stop took %v, Run() = %v, want less than the drain timeout and nil", took, r.err)
	}
}
