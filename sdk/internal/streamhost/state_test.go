package streamhost_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/internal/part"
	"github.com/netcore-go/netcore/sdk/internal/streamhost"
	"github.com/netcore-go/netcore/sdk/link"
	pluginpb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// state returns the STATE frame that is expected.
func stateLine(end, written int, state string) string {
	return line(&link.Frame{Kind: link.State, Epoch: 1, Aux: uint64(end), Stream: uint64(written), Payload: []byte(state)})
}

func TestState(t *testing.T) {
	k := newKernel(t, protocol{saves: true, greeting: "hi"}, nil)
	client, _ := k.openWide(1)
	expect(t, client, "hi")
	want := []string{stateLine(0, 2, "")}
	check := func(step string) {
		t.Helper()
		frames := k.until(1, step, func(f []link.Frame) bool { return len(f) >= len(want) })
		for i, f := range frames {
			if i >= len(want) || line(&f) != want[i] {
				t.Fatalf("after %s, frame %d = %s, want %v", step, i, line(&f), want[min(i, len(want)-1)])
			}
		}
	}
	check("the greeting")

	write(t, client, frame(kindHandshake, "abc"))
	expect(t, client, string(frame(kindHandshake, "abc")))
	want = append(want, stateLine(8, 10, "abc"))
	check("the handshake")

	write(t, client, frame(kindPing, ""))
	expect(t, client, string(frame(kindPong, "")))
	want = append(want, stateLine(13, 15, "abc"))
	check("a ping")

	write(t, client, append(frame(kindSkip, ""), frame(kindMessage, "m")...))
	want = append(want, line(&link.Frame{Kind: link.Data, Type: 1, Epoch: 1, Aux: 24, Payload: []byte("m")}))
	check("a message, which covers what was before it")

	write(t, client, append(frame(kindMessage, "n"), frame(kindSkip, "")...))
	want = append(want, line(&link.Frame{Kind: link.Data, Type: 1, Epoch: 1, Aux: 30, Payload: []byte("n")}), stateLine(35, 15, "abc"))
	check("bytes behind a message")

	k.send(link.Frame{Kind: link.Data, Conn: 1, Epoch: 1, Payload: []byte("r")})
	want = append(want, line(&link.Frame{Kind: link.Written, Epoch: 1, N: 1, Aux: 21}))
	check("a reply, which WRITTEN covers")
}

func TestStateThatCannotBeSaved(t *testing.T) {
	// The kernel must not take the connection for whole after a crash.
	k := newKernel(t, protocol{saves: true, pinned: true}, nil)
	client, fd := k.openWide(1)
	write(t, client, frame(kindHandshake, "abc"))
	expect(t, client, string(frame(kindHandshake, "abc")))
	consumedAll(t, fd)
	k.prepareRefused(t)
	frames, _ := k.seen(1)
	if len(frames) != 1 {
		t.Errorf("frames:\n%swant PREPARED only", transcript(frames))
	}
}

func (k *kernel) prepareRefused(t *testing.T) {
	t.Helper()
	k.send(link.Frame{Kind: link.Prepare, Conn: 1, Epoch: 1})
	if f := k.await(1, link.Prepared, 1); f.Flags != link.Refused {
		t.Errorf("PREPARED = %s, want refused", line(&f))
	}
}

// timed returns a kernel whose host has a fake clock.
func timed(t *testing.T, p protocol, cfg *pluginpb.ListenerConfig) (*kernel, *streamhost.FakeClock) {
	k := newKernel(t, p, cfg)
	return k, streamhost.SetClock(k.host)
}

func TestReadTimeout(t *testing.T) {
	k, clock := timed(t, protocol{}, &pluginpb.ListenerConfig{ReadTimeoutNs: int64(time.Second)})
	client, fd := k.openWide(1)
	clock.Advance(k.host, time.Minute) // at rest there is no hurry
	msg := frame(kindMessage, "slow")
	write(t, client, msg[:6])
	consumedAll(t, fd)
	k.rest(t)
	clock.Advance(k.host, 900*time.Millisecond)
	write(t, client, append(msg[6:], msg[:6]...)) // the next one begins
	k.await(1, link.Data, 1)
	k.rest(t)
	clock.Advance(k.host, 900*time.Millisecond)
	write(t, client, msg[6:7]) // a byte now and then does not help
	consumedAll(t, fd)
	k.rest(t)
	if frames, _ := k.seen(1); len(frames) != 1 {
		t.Fatalf("frames:\n%swant DATA only", transcript(frames))
	}
	clock.Advance(k.host, 200*time.Millisecond)
	k.awaitClose(1, 1, link.CauseTimeout, 0)
}

// rest waits until the host has dealt with all events before: an event of
// another connection, on the same loop, comes after them.
func (k *kernel) rest(t *testing.T) {
	t.Helper()
	conn := 1000 + uint64(k.host.Connections())
	client, _ := k.openWide(conn)
	for n := range 2 {
		write(t, client, frame(kindMessage, "marker"))
		k.await(conn, link.Data, n+1)
	}
}

func TestHeartbeat(t *testing.T) {
	k, clock := timed(t, protocol{pings: true}, &pluginpb.ListenerConfig{
		HeartbeatIntervalNs: int64(10 * time.Second), HeartbeatTimeoutNs: int64(3 * time.Second)})
	client, _ := k.openWide(1)
	for i := range 3 {
		clock.Advance(k.host, 9*time.Second)
		clock.Advance(k.host, time.Second)
		expect(t, client, string(frame(kindPing, "")))
		write(t, client, frame(kindSkip, ""))
		k.until(1, "STATE", func(f []link.Frame) bool { return len(f) > 0 && f[len(f)-1].Aux == uint64(5*(i+1)) })
	}
	clock.Advance(k.host, 10*time.Second)
	expect(t, client, string(frame(kindPing, "")))
	clock.Advance(k.host, 2*time.Second)
	if frames, _ := k.seen(1); hasClose(frames) {
		t.Fatalf("frames:\n%swant no CLOSE before the timeout", transcript(frames))
	}
	clock.Advance(k.host, time.Second)
	k.awaitClose(1, 1, link.CauseTimeout, 0)
}

func TestWriteTimeout(t *testing.T) {
	k, clock := timed(t, protocol{}, &pluginpb.ListenerConfig{WriteTimeoutNs: int64(time.Second)})
	k.open(1, "unix", wideMessages, wideBytes)
	for range 100 {
		k.send(link.Frame{Kind: link.Data, Conn: 1, Epoch: 1, Payload: make([]byte, link.MaxChunk)})
	}
	clock.Advance(k.host, 900*time.Millisecond)
	if frames, _ := k.seen(1); hasClose(frames) {
		t.Fatalf("frames:\n%swant no CLOSE before the timeout", transcript(frames))
	}
	clock.Advance(k.host, 200*time.Millisecond)
	k.awaitClose(1, 1, link.CauseTimeout, 0)
	k.send(closeFrame(1, link.CauseTimeout, 0))
	k.awaitClose(1, 2, link.CauseTimeout, link.Done)
}

func TestCloseIsBounded(t *testing.T) {
	k, clock := timed(t, protocol{}, nil)
	k.open(1, "unix", wideMessages, wideBytes)
	for range 100 {
		k.send(link.Frame{Kind: link.Data, Conn: 1, Epoch: 1, Payload: make([]byte, link.MaxChunk)})
	}
	k.send(closeFrame(1, 0, 0))
	clock.Advance(k.host, 4*time.Second)
	if n := k.host.Connections(); n != 1 {
		t.Fatalf("Connections() = %d, want 1 before the limit", n)
	}
	clock.Advance(k.host, 2*time.Second)
	k.awaitClose(1, 1, link.CauseNone, link.Done)
}

func TestOptions(t *testing.T) {
	listeners := []*pluginpb.ListenerConfig{
		{Index: 0, Name: "a", Options: []byte(`{"greeting":"hello"}`)},
		{Index: 1, Name: "b", Options: []byte(`{"greeting":1}`)},
	}
	_, err := streamhost.New(protocol{}, listeners, part.Env{})
	var le *streamhost.ListenerError
	var oe *sdk.OptionError
	if !errors.As(err, &le) || le.Listener != "b" || !errors.As(err, &oe) || oe.Field != "greeting" {
		t.Errorf("New() = %v, want an option of listener b to be wrong", err)
	}
	h, err := streamhost.New(protocol{}, listeners[:1], part.Env{})
	if err != nil {
		t.Fatalf("New() = %v", err)
	}
	h.Close() // nothing was started
	h.Close()
}

func TestOptionsOfAListener(t *testing.T) {
	k := newKernel(t, protocol{}, &pluginpb.ListenerConfig{Options: []byte(`{"greeting":"hello"}`), ReadBufferSize: 1000, WriteBufferSize: 100})
	k.on = echo
	client, _ := k.openWide(1)
	expect(t, client, "hello")
	all := ""
	for i := range 100 {
		all += string(frame(kindMessage, fmt.Sprintf("%0100d", i)))
	}
	write(t, client, []byte(all))
	expect(t, client, all)
}
