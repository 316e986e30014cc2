package sdktest

import (
	"errors"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netcore-go/netcore/sdk"
)

// malformedEndsOne: input that is wrong ends its connection, with an error, and
// no other.
func malformedEndsOne(w *wire) {
	p := w.start()
	other := w.k.Open(p)
	in, out := w.script(1)
	for _, bad := range w.o.Malformed {
		c := w.k.Open(p)
		c.write(in)
		c.expect(out)
		c.write(bad)
		if err := c.Cause(); err == nil || errors.Is(err, sdk.ErrReset) || errors.Is(err, sdk.ErrCrashed) {
			w.Errorf("after %.40q the cause is %v, want a protocol error", bad, err)
		}
		c.expectOver()
		c.Done()
	}
	other.write(in)
	other.expect(out)
	other.finish()
}

// overlongRoom is what a plugin may take because of a claim, in bytes.
const overlongRoom = 8 << 20

// overlongClaim: the claim of a length takes no memory.
func overlongClaim(w *wire) {
	p := w.start()
	w.alive(p)
	before := p.body.memory()
	const claims = 8
	for range claims {
		c := w.k.Open(p)
		c.write(append(append([]byte(nil), w.o.Hello...), w.o.Overlong...))
		if err := c.Cause(); !errors.Is(err, sdk.ErrTooLarge) && !errors.Is(err, sdk.ErrProtocol) {
			w.Errorf("the cause is %v, want too large, or a protocol error", err)
		}
		c.expectOver()
		c.Done()
	}
	if after := p.body.memory(); after-before > overlongRoom {
		w.Errorf("%d claims took %d bytes, want at most %d", claims, after-before, overlongRoom)
	}
	w.alive(p)
}

// openErrorRefuses: an error of Open ends that connection.
func openErrorRefuses(w *wire) {
	inner := w.o.New()
	gate := &refusing{StreamProtocol: configured(w, inner.Stream, w.o.Listener)}
	inner.Stream = gate
	o := *w.o
	o.Listener = nil
	w.o = &o
	p := w.startAs(inner)
	w.alive(p)
	gate.refuse.Store(true)
	c := w.k.Open(p)
	if err := c.Cause(); !errors.Is(err, sdk.ErrRefused) {
		w.Errorf("the cause is %v, want %v", err, sdk.ErrRefused)
	}
	c.expectOver()
	c.Done()
	gate.refuse.Store(false)
	w.alive(p)
}

// panicInCodec: a codec that panics ends its connection, and no other.
func panicInCodec(w *wire) {
	inner := w.o.New()
	gate := &refusing{StreamProtocol: configured(w, inner.Stream, w.o.Listener)}
	inner.Stream = gate
	o := *w.o
	o.Listener = nil
	w.o = &o
	p := w.startAs(inner)
	in, out := w.script(1)
	other := w.k.Open(p)
	other.write(in)
	other.expect(out)
	for _, where := range []string{"Open", "Decode", "Encode"} {
		gate.panics.Store(where)
		c := w.k.Open(p)
		if where != "Open" {
			c.write(in)
		}
		if err := c.Cause(); err == nil {
			w.Errorf("panic in %s: the cause is nil, want an internal error", where)
		}
		c.expectOver()
		c.Done()
	}
	gate.panics.Store("")
	other.write(in[len(w.o.Hello):])
	other.expect(out[len(w.o.Welcome):])
	other.finish()
}

// configured applies a listener's options to a protocol.
func configured(t testing.TB, p sdk.StreamProtocol, options []byte) sdk.StreamProtocol {
	t.Helper()
	c, ok := p.(sdk.StreamConfigurer)
	if !ok {
		return p
	}
	p, err := c.WithOptions(options)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// shrink makes a connection's buffers small on the way to the client.
func shrink(t testing.TB, client *net.TCPConn, fd int) {
	t.Helper()
	if err := client.SetReadBuffer(small); err != nil {
		t.Fatal(err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, small); err != nil {
		t.Fatal(err)
	}
}

// noGoroutineLeft: a plugin that has ended leaves nothing running, also if it
// ends in the middle of everything.
func noGoroutineLeft(w *wire) {
	before := goroutines()
	k := NewKernel(w)
	inner := &wire{T: w.T, o: w.o, carrier: w.carrier, k: k}
	p := inner.start()
	inner.alive(p)
	in, _ := w.script(1)
	half := k.Open(p)
	half.write(in[:len(in)-1])
	half.arrived(len(in) - 1)
	shut := k.open(p, 1, windowBytes, false)
	shut.write(in)
	shut.Heard(1)
	k.Close()
	checkGoroutines(w, before)
}

// checkGoroutines waits until only those of before are left.
func checkGoroutines(t testing.TB, before map[string]bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patienceOf(t)); ; <-tick.C {
		left := newGoroutines(before)
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("%d goroutines are left, the first:\n%s", len(left), left[0])
			return
		}
	}
}
