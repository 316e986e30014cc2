package kernel_test

import (
	"fmt"
	"testing"
)

// TestStatisticsAreExact compares what the kernel has counted with what clients
// have, across swaps of both plugins.
func TestStatisticsAreExact(t *testing.T) {
	r := start(t, process)
	c := talk(t, r.addr(), 20)
	for range 3 {
		r.mustSwap("frames")
		r.mustSwap("script")
		c.further(t)
	}
	c.unharmed(t)
	var sent, got, in, out int64
	for _, cl := range c.clients {
		sent, got, in, out = sent+cl.sent, got+cl.got, in+cl.sentBytes, out+cl.gotBytes
		must(t, cl.Close())
	}
	eventually(t, func() error { return r.connections(0) })
	s := r.k.Status()
	for name, x := range map[string]struct{ got, want int64 }{
		"messages received":   {s.Total.MessagesReceived, sent},
		"messages sent":       {s.Total.MessagesSent, got},
		"bytes received":      {s.Total.BytesReceived, in},
		"bytes sent":          {s.Total.BytesSent, out},
		"active":              {s.Total.ActiveConnections, 0},
		"total":               {s.Total.TotalConnections, 20},
		"errors":              {s.Total.ErrorCount, 0},
		"closed":              {s.Closed["orderly"], 20},
		"listener's messages": {s.Listeners[0].Stats.MessagesReceived, sent},
		"listener's bytes":    {s.Listeners[0].Stats.BytesSent, out},
	} {
		if x.got != x.want {
			t.Errorf("%s = %d, want %d", name, x.got, x.want)
		}
	}
}

// TestContextAndRoomsSurviveSwaps: and OnConnect and OnDisconnect come once.
func TestContextAndRoomsSurviveSwaps(t *testing.T) {
	r := start(t, process)
	clients := dialAll(t, r.addr(), 10)
	for i, c := range clients {
		mustAsk(t, c, fmt.Sprintf("!set name %d", i), "ok")
		mustAsk(t, c, "!join room", "ok")
	}
	for range 3 {
		r.mustSwap("script")
		r.mustSwap("frames")
	}
	for i, c := range clients {
		mustAsk(t, c, "!get name", fmt.Sprint(i))
	}
	mustAsk(t, clients[0], "!cast room 1 7", "ok")
	for _, c := range clients[1:] {
		if got, err := c.receive(); err != nil || len(got) != 7 {
			t.Fatalf("broadcast = %q, %v", got, err)
		}
	}
	for _, c := range clients {
		must(t, c.Close())
	}
	eventually(t, func() error { return r.connections(0) })
	n := r.noted()
	if len(n["connect"]) != 10 || len(n["disconnect"]) != 10 || len(n["moved"]) != 30 || len(n["resume"]) != 0 {
		t.Errorf("%d connect, %d disconnect, %d moved, %d resume, want 10, 10, 30, 0",
			len(n["connect"]), len(n["disconnect"]), len(n["moved"]), len(n["resume"]))
	}
}

// TestStorm has clients come and go while both plugins are swapped: nobody is
// refused.
func TestStorm(t *testing.T) {
	r := start(t, process)
	quit := make(chan struct{})
	const streams = 4
	results := make(chan error, streams) // one each
	counts := make(chan int, streams)
	for range streams {
		go func() { // ends with quit
			n := 0
			for {
				select {
				case <-quit:
					results <- nil
					counts <- n
					return
				default:
				}
				c, err := dialFrom("", r.addr())
				if err == nil {
					err = c.echo()
					_ = c.Close()
				}
				if err != nil {
					results <- fmt.Errorf("client %d: %w", n, err)
					counts <- n
					return
				}
				n++
			}
		}()
	}
	for range 5 {
		r.mustSwap("frames")
		r.mustSwap("script")
	}
	eventually(t, func() error { // a good deal of clients, whatever the machine
		if n := r.k.Status().Total.TotalConnections; n < 800 {
			return fmt.Errorf("%d connections so far", n)
		}
		return nil
	})
	close(quit)
	total := 0
	for range streams {
		if err := <-results; err != nil {
			t.Error(err)
		}
		total += <-counts
	}
	eventually(t, func() error { return r.connections(0) })
	s := r.k.Status()
	if s.Total.TotalConnections != int64(total) || s.Listeners[0].Refused != 0 {
		t.Errorf("%d connections, %d refused, want %d and 0", s.Total.TotalConnections, s.Listeners[0].Refused, total)
	}
	n := r.noted()
	if len(n["connect"]) != total || len(n["disconnect"]) != total {
		t.Errorf("%d OnConnect, %d OnDisconnect, want %d", len(n["connect"]), len(n["disconnect"]), total)
	}
}
