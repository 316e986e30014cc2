package sdktest

import (
	"errors"

	"github.com/netcore-go/netcore/sdk"
)

// moveAtEachByte: a connection that moves to another instance between any two
// bytes of its stream has the transcript that it would have had without. One
// that cannot move goes on where it is.
func moveAtEachByte(w *wire) {
	from, to := w.start(), w.start()
	in, out := w.script(1)
	moved := 0
	for cut := range len(in) + 1 {
		c := w.k.Open(from)
		c.write(in[:cut])
		c.arrived(cut)
		switch err := c.Move(to); {
		case err == nil:
			moved++
		case !errors.Is(err, sdk.ErrNotMovable):
			w.Fatalf("cut at %d: %v", cut, err)
		}
		c.write(in[cut:])
		c.expect(out)
		c.finish()
	}
	if moved == 0 && from.offsets() {
		w.Errorf("no connection could move")
	}
	w.Logf("%d of %d connections moved", moved, len(in)+1)
}

// moveRefusedGoesOn: a connection that was prepared and not moved goes on with
// its instance, under a new epoch.
func moveRefusedGoesOn(w *wire) {
	from, to := w.start(), w.start()
	in, out := w.script(1)
	for cut := range len(in) + 1 {
		c := w.k.Open(from)
		c.write(in[:cut])
		c.arrived(cut)
		err := c.Prepare()
		switch {
		case err != nil && !errors.Is(err, sdk.ErrNotMovable):
			w.Fatalf("cut at %d: %v", cut, err)
		case err != nil:
		default:
			w.turnAway(c, to, cut)
			c.Resume()
		}
		c.write(in[cut:])
		c.expect(out)
		c.finish()
	}
	w.alive(to)
}

// turnAway offers a connection in vain: with a record that the successor does
// not know, or so that the kernel takes the offer back.
func (w *wire) turnAway(c *Conn, to *Instance, cut int) {
	w.Helper()
	if cut%2 == 0 {
		if err := c.offer(to, 99); err == nil {
			w.Fatalf("cut at %d: an offer with a record of version 99 was accepted", cut)
		}
		return
	}
	if err := c.Offer(to); err != nil {
		w.Fatalf("cut at %d: %v", cut, err)
	}
	c.Revoke()
}

// resumeAfterCrash: connections at rest survive the death of their plugin.
func resumeAfterCrash(w *wire) {
	from, to := w.start(), w.start()
	in, out := w.script(2)
	greeted, fresh := w.k.Open(from), w.k.Open(from)
	pinged := w.k.Open(from)
	greeted.write(in)
	greeted.expect(out)
	greeted.told(len(in), len(out))
	pinged.write(in)
	pinged.expect(out)
	pinged.write(w.o.Ping)
	pinged.expect(w.o.Pong)
	pinged.told(len(in)+len(w.o.Ping), len(out)+len(w.o.Pong))
	from.Kill()
	for _, c := range []*Conn{greeted, pinged} {
		if err := c.Adopt(to); err != nil {
			w.Fatalf("connection %d: %v", c.ID, err)
		}
		c.write(in[len(w.o.Hello):])
		c.expect(out[len(w.o.Welcome):])
		c.finish()
	}
	if err := fresh.Adopt(to); err != nil {
		w.Fatalf("connection that has said nothing: %v", err)
	}
	fresh.write(in)
	fresh.expect(out)
	fresh.finish()
}

// told waits until the plugin has told that it has read and written so much.
func (c *Conn) told(in, out int) {
	c.k.t.Helper()
	c.k.wait(func() bool { return c.end == uint64(in) && c.written == uint64(out) },
		"the plugin tells that connection %d has read %d and written %d bytes", c.ID, in, out)
}
