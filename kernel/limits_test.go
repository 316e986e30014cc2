package kernel_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/netcore-go/netcore/kernel"
)

// refused dials and reports whether the kernel turned the connection away.
func refused(t *testing.T, source, addr string) bool {
	t.Helper()
	c, err := dialFrom(source, addr)
	if err != nil {
		return true
	}
	defer c.Close()
	err = c.echo()
	if err != nil && !closed(err) {
		t.Fatalf("echo from %s: %v", source, err)
	}
	return err != nil
}

func TestMaxConnections(t *testing.T) {
	r := start(t, local, func(c *kernel.Config, _ *rig) {
		c.MaxConnections = 5
		c.Listeners[0].Limits.MaxConnections = 3
		other := c.Listeners[0]
		other.Name, other.Limits.MaxConnections = "b", 0
		c.Listeners = append(c.Listeners, other)
	})
	a, b := r.k.Status().Listeners[0].Address, r.k.Status().Listeners[1].Address
	clients := dialAll(t, a, 3)
	mustEcho(t, clients...)
	if !refused(t, "", a) {
		t.Error("listener a took a fourth connection")
	}
	more := dialAll(t, b, 2)
	mustEcho(t, more...)
	if !refused(t, "", b) {
		t.Error("the kernel took a sixth connection")
	}
	must(t, clients[0].Close())
	eventually(t, func() error { return r.connections(4) })
	mustEcho(t, dial(t, a))
	s := r.k.Status()
	if s.Listeners[0].Refused != 1 || s.Listeners[1].Refused != 1 || s.MaxConnections != 5 {
		t.Errorf("status = %+v, want one refused by each, at most 5", s)
	}
}

func TestPerSource(t *testing.T) {
	r := start(t, local, func(c *kernel.Config, _ *rig) { c.Listeners[0].Limits.PerSource = 2 })
	for i := range 4 {
		source := fmt.Sprintf("127.0.0.%d", 10+i)
		var mine []*client
		for range 2 {
			c, err := dialFrom(source, r.addr())
			must(t, err)
			defer c.Close()
			mustEcho(t, c)
			mine = append(mine, c)
		}
		if !refused(t, source, r.addr()) {
			t.Errorf("a third connection from %s was taken", source)
		}
		must(t, mine[0].Close())
		eventually(t, func() error { return r.connections(2*i + 1) })
		c, err := dialFrom(source, r.addr())
		must(t, err)
		defer c.Close()
		mustEcho(t, c)
	}
}

func TestIdleTimeout(t *testing.T) {
	r := start(t, local, func(c *kernel.Config, _ *rig) { c.Listeners[0].Limits.IdleTimeout = 400 * time.Millisecond })
	silent, busy := dial(t, r.addr()), dial(t, r.addr())
	mustEcho(t, silent)
	over := make(chan error, 1) // one result
	go func() {
		_, err := silent.receive()
		over <- err
	}()
	for {
		select {
		case err := <-over:
			if !closed(err) {
				t.Errorf("receive() = %v, want the end of the connection", err)
			}
			mustEcho(t, busy)
			eventually(t, func() error {
				if n := r.k.Status().Closed["idle"]; n != 1 {
					return fmt.Errorf("%d closed for being idle, want 1", n)
				}
				return nil
			})
			return
		case <-time.After(10 * time.Millisecond):
			mustEcho(t, busy)
		}
	}
}

func TestCloseConnection(t *testing.T) {
	r := start(t, local)
	c, other := dial(t, r.addr()), dial(t, r.addr())
	mustEcho(t, c, other)
	for _, info := range r.k.Connections(0, "a") {
		if info.Remote == c.LocalAddr().String() {
			must(t, r.k.CloseConnection(info.ID))
		}
	}
	if _, err := c.receive(); !closed(err) {
		t.Errorf("receive() = %v, want the end of the connection", err)
	}
	mustEcho(t, other)
	for _, id := range []string{"", "zz", "ffffff"} {
		if err := r.k.CloseConnection(id); !errors.Is(err, kernel.ErrUnknown) {
			t.Errorf("CloseConnection(%q) = %v, want ErrUnknown", id, err)
		}
	}
	eventually(t, func() error {
		if n := r.k.Status().Closed["operator"]; n != 1 {
			return fmt.Errorf("%d closed by the operator, want 1", n)
		}
		return nil
	})
}
