package sdktest

import (
	"bytes"
	"fmt"
	"maps"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/link"
)

func quote(b []byte) string { return fmt.Sprintf("%q", b) }

// rounds is how often the script is repeated where much is to be sent.
const rounds = 50

// much is how many messages fill the buffers of a client that does not read.
const much = 20_000

// echoInOrder: a client that sends much without waiting gets all of it back, in
// order, and the kernel sees the messages that were sent.
func echoInOrder(w *wire) {
	c := w.k.Open(w.start())
	in, out := w.script(rounds)
	writing := make(chan struct{})
	go func() { // ends when all is written, or the client is closed
		defer close(writing)
		c.write(in)
	}()
	c.expect(out)
	<-writing
	if !w.o.Unframed {
		checkMessages(w, c.Heard(rounds*len(w.o.Messages)), w.o.Messages)
	}
	c.finish()
	w.checkOffsets(c, len(in), len(out))
}

// checkMessages compares messages with the expected ones, repeated.
func checkMessages(w *wire, got, want []sdk.Message) {
	w.Helper()
	for i, g := range got {
		m := want[i%len(want)]
		if g.Type != m.Type || !bytes.Equal(g.Data, m.Data) || g.Stream() != m.Stream() || !covers(g.Headers, m.Headers) {
			w.Fatalf("message %d = %+v of stream %d, want %+v of stream %d", i, g, g.Stream(), m, m.Stream())
		}
	}
}

// covers reports whether all of want is in got.
func covers(got, want map[string]string) bool {
	for k, v := range want {
		if got[k] != v {
			return false
		}
	}
	return len(got) >= len(want) || maps.Equal(got, want)
}

// checkOffsets checks what a stream protocol has told last, after its end.
func (w *wire) checkOffsets(c *Conn, in, out int) {
	w.Helper()
	w.k.mu.Lock()
	defer w.k.mu.Unlock()
	if c.owner.offsets() && (c.end > uint64(in) || c.written != uint64(out)) {
		w.Errorf("the plugin told of %d bytes read and %d written, want %d and %d", c.end, c.written, in, out)
	}
	if c.outMessages != 0 || c.done != 1 {
		w.Errorf("%d messages are outstanding, and %d times the end was told, want 0 and 1", c.outMessages, c.done)
	}
}

// cutAtEveryByte: however the stream comes, the transcript is the same.
func cutAtEveryByte(w *wire) {
	p := w.start()
	in, out := w.script(1)
	for cut := range len(in) {
		c := w.k.Open(p)
		c.write(in[:cut])
		c.arrived(cut)
		c.write(in[cut:])
		c.expect(out)
		c.finish()
	}
}

// halfFrameThenClose: a client that goes in the middle of a message gets the
// replies to those before it, and no more.
func halfFrameThenClose(w *wire) {
	p := w.start()
	in, out := w.script(1)
	for cut := range len(in) {
		c := w.k.Open(p)
		c.write(in[:cut])
		if err := c.Client.CloseWrite(); err != nil {
			w.Fatal(err)
		}
		c.deadline()
		var got bytes.Buffer
		_, err := got.ReadFrom(c.Client)
		if err != nil || !bytes.HasPrefix(out, got.Bytes()) {
			w.Fatalf("cut at %d: client got %q, %v, want a part of %q and the end", cut, got.Bytes(), err, out)
		}
		c.Done()
	}
}

// windowShut: a plugin starts no message while the window is shut (the kernel
// checks that), and loses none.
func windowShut(w *wire) {
	p := w.start()
	c := w.k.open(p, 2, windowBytes, false)
	in, out := w.script(4)
	c.write(in)
	want := len(out) - len(w.o.Welcome)
	for acked, sent := 0, 0; sent < want; acked++ {
		m := c.Heard(acked + 1)[acked]
		if acked == 0 { // both that the window lets pass
			c.Heard(min(2, want))
		}
		sent += len(w.o.Reply(m))
		c.Send(m)
		c.Ack(m)
	}
	c.expect(out)
	c.SetEcho(true)
	c.finish()
}

// slowReader: a client that does not read holds up nobody but itself, and loses
// nothing.
func slowReader(w *wire) {
	p := w.start()
	client, fd := pair(w)
	shrink(w, client, fd)
	slow := w.k.openOver(p, client, fd, windowMessages, windowBytes, true)
	in, out := w.script(much/len(w.o.Messages) + 1)
	writing := make(chan struct{})
	go func() { // ends when all is written, or the client is closed
		defer close(writing)
		slow.write(in)
	}()
	w.k.wait(func() bool { return slow.outBytes > 0 || len(slow.queue) > 0 }, "the slow client is busy")
	other := w.k.Open(p)
	oneIn, oneOut := w.script(1)
	other.write(oneIn)
	other.expect(oneOut)
	other.finish()
	slow.expect(out)
	<-writing
	slow.finish()
}

// closeTwice: a connection that both sides close, and the kernel more than
// once, ends once.
func closeTwice(w *wire) {
	p := w.start()
	in, out := w.script(1)
	c := w.k.Open(p)
	c.write(in)
	c.expect(out)
	w.k.mu.Lock()
	epoch := c.epoch
	w.k.mu.Unlock()
	c.Close()
	p.Send(link.Frame{Kind: link.Close, Conn: c.ID, Epoch: epoch}, link.Frame{Kind: link.Close, Conn: c.ID, Epoch: epoch, N: link.CauseOperator})
	if err := c.Client.CloseWrite(); err != nil {
		w.Fatal(err)
	}
	c.expectOver()
	c.Done()
	p.Send(link.Frame{Kind: link.Close, Conn: c.ID, Epoch: epoch}, link.Frame{Kind: link.Close, Flags: link.Abort, Conn: c.ID, Epoch: epoch})
	w.alive(p)
	w.k.mu.Lock()
	defer w.k.mu.Unlock()
	if c.done != 1 { // nothing of this connection comes any more: alive was behind it
		w.Errorf("the end was told %d times, want 1", c.done)
	}
}

// alive checks that the plugin serves.
func (w *wire) alive(p *Instance) {
	w.Helper()
	c := w.k.Open(p)
	in, out := w.script(1)
	c.write(in)
	c.expect(out)
	c.finish()
}

// staleEpochIgnored: what is for another epoch or an unknown connection changes
// nothing.
func staleEpochIgnored(w *wire) {
	p := w.start()
	c := w.k.Open(p)
	in, out := w.script(1)
	c.write(in)
	c.expect(out)
	for _, kind := range []link.Kind{link.Data, link.Ack, link.Close, link.Prepare, link.Commit, link.Release} {
		p.Send(
			link.Frame{Kind: kind, Type: 1, Conn: c.ID, Epoch: 77, Payload: []byte("stale")},
			link.Frame{Kind: kind, Type: 1, Conn: c.ID + 1000, Epoch: 1, Payload: []byte("foreign")},
			link.Frame{Kind: kind, Flags: link.Abort, Conn: c.ID + 1000, Epoch: 1},
		)
	}
	in = in[len(w.o.Hello):]
	c.write(in)
	c.expect(out[len(w.o.Welcome):])
	c.finish()
}

// stopsCleanly: a plugin that is asked to stop ends without an error, whatever
// its connections are doing.
func stopsCleanly(w *wire) {
	p := w.start()
	in, out := w.script(1)
	idle := w.k.Open(p)
	idle.write(in)
	idle.expect(out)
	half := w.k.Open(p)
	half.write(in[:len(in)-1])
	half.arrived(len(in) - 1)
	if err := p.Stop(); err != nil {
		w.Errorf("Stop: %v", err)
	}
}

// pingAnswered: the protocol answers a ping itself, however it is cut.
func pingAnswered(w *wire) {
	p := w.start()
	in, out := w.script(1)
	for cut := range len(w.o.Ping) {
		c := w.k.Open(p)
		c.write(in)
		c.expect(out)
		c.write(w.o.Ping[:cut])
		c.arrived(len(in) + cut)
		c.write(w.o.Ping[cut:])
		c.expect(w.o.Pong)
		c.finish()
	}
}
