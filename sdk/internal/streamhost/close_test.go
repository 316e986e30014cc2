package streamhost_test

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/link"
)

func closeFrame(conn uint64, cause link.Cause, flags link.Flags) link.Frame {
	return link.Frame{Kind: link.Close, Flags: flags, Conn: conn, Epoch: 1, N: cause}
}

// awaitClose waits for the nth CLOSE and checks its cause and flags.
func (k *kernel) awaitClose(conn uint64, nth int, cause link.Cause, flags link.Flags) {
	k.t.Helper()
	if f := k.await(conn, link.Close, nth); f.N != cause || f.Flags != flags {
		k.t.Fatalf("CLOSE %d has cause %s and flags %d, want %s and %d", nth, link.CauseName(f.N), f.Flags, link.CauseName(cause), flags)
	}
}

func TestHalfClose(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			k := newKernel(t, protocol{}, nil)
			client, _ := k.open(1, network, wideMessages, wideBytes)
			write(t, client, append(frame(kindMessage, "last"), "half"...))
			if err := client.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			k.awaitClose(1, 1, link.CauseNone, 0)
			// Output goes on.
			k.send(link.Frame{Kind: link.Data, Conn: 1, Epoch: 1, Payload: []byte("reply")})
			expect(t, client, string(frame(kindMessage, "reply")))
			k.send(closeFrame(1, 0, 0))
			expectEnd(t, client, "bye <nil>")
			k.awaitClose(1, 2, link.CauseNone, link.Done)
			frames, _ := k.seen(1)
			if frames[0].Kind != link.Data || frames[1].Kind != link.Close {
				t.Errorf("frames:\n%swant DATA before CLOSE", transcript(frames))
			}
		})
	}
}

func TestKernelCloses(t *testing.T) {
	k := newKernel(t, protocol{}, nil)
	client, _ := k.openWide(1)
	k.send(link.Frame{Kind: link.Data, Conn: 1, Epoch: 1, Payload: []byte("reply")}, closeFrame(1, link.CauseDraining, 0))
	expectEnd(t, client, string(frame(kindMessage, "reply"))+"bye "+sdk.ErrDraining.Error())
	if f := k.await(1, link.Written, 1); f.N != 1 {
		t.Errorf("WRITTEN = %s, want one message", line(&f))
	}
	write(t, client, frame(kindMessage, "too late")) // and is not a reset
	client.Close()
	k.awaitClose(1, 1, link.CauseNone, link.Done)
	if n := k.host.Connections(); n != 0 {
		t.Errorf("Connections() = %d, want 0", n)
	}
}

func TestLingerEnds(t *testing.T) {
	k := newKernel(t, protocol{}, nil)
	client, _ := k.openWide(1)
	k.send(closeFrame(1, 0, 0))
	expectEnd(t, client, "bye <nil>")
	k.awaitClose(1, 1, link.CauseNone, link.Done) // though the client stays
}

func TestAbort(t *testing.T) {
	k := newKernel(t, protocol{}, nil)
	client, copied := k.openWide(1)
	k.send(closeFrame(1, link.CauseOperator, link.Abort))
	k.awaitClose(1, 1, link.CauseNone, link.Done)
	// The kernel's copy still stands; the reset is the kernel's to send.
	if err := unix.SetsockoptLinger(copied, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}); err != nil {
		t.Fatal(err)
	}
	unix.Dup3(0, copied, unix.O_CLOEXEC) // closes the last copy
	client.SetReadDeadline(time.Now().Add(patience))
	if _, err := client.Read(make([]byte, 1)); !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("client read %v, want a reset", err)
	}
}

func TestReset(t *testing.T) {
	for _, shut := range []bool{false, true} {
		name := "reading"
		window := uint32(wideMessages)
		if shut {
			name, window = "window shut", 1
		}
		t.Run(name, func(t *testing.T) {
			k := newKernel(t, protocol{}, nil)
			client, _ := k.open(1, "tcp", window, wideBytes)
			write(t, client, append(frame(kindMessage, "a"), frame(kindMessage, "b")...))
			k.await(1, link.Data, 1)
			client.(*net.TCPConn).SetLinger(0)
			client.Close()
			k.awaitClose(1, 1, link.CauseReset, 0)
			k.send(link.Frame{Kind: link.Data, Conn: 1, Epoch: 1, Payload: []byte("lost")}, closeFrame(1, link.CauseReset, 0))
			k.awaitClose(1, 2, link.CauseReset, link.Done)
		})
	}
}

func TestPeerGoneWhileItsWindowIsShut(t *testing.T) {
	// A unix socket whose peer has closed reports it for ever; what it sent
	// before must not be lost.
	k := newKernel(t, protocol{}, nil)
	client, _ := k.open(1, "unix", 1, wideBytes)
	write(t, client, frame(kindMessage, "a"))
	k.await(1, link.Data, 1)
	write(t, client, append(frame(kindMessage, "b"), frame(kindMessage, "c")...))
	client.Close()
	ack := link.Frame{Kind: link.Ack, Conn: 1, Epoch: 1, N: 1, Aux: 1}
	k.send(ack)
	k.await(1, link.Data, 2)
	k.send(ack)
	k.await(1, link.Data, 3)
	k.send(ack)
	k.awaitClose(1, 1, link.CauseNone, 0)
}

func TestFailures(t *testing.T) {
	reply := func(payload string) []link.Frame {
		return []link.Frame{{Kind: link.Data, Conn: 1, Epoch: 1, Payload: []byte(payload)}}
	}
	for _, tt := range []struct {
		name  string
		p     protocol
		sent  []byte
		reply []link.Frame
		cause link.Cause
		want  string // what the client reads in all
	}{
		{"bad frame", protocol{}, frame(kindBad, ""), nil, link.CauseProtocol, "bad framebye protocol error"},
		{"panic in Decode", protocol{}, frame(kindPanic, ""), nil, link.CauseInternal, ""},
		{"panic in Encode", protocol{panics: "Encode"}, nil, reply("x"), link.CauseInternal, ""},
		{"panic in Open", protocol{panics: "Open"}, nil, nil, link.CauseInternal, ""},
		{"refused by Open", protocol{openErr: errors.New("no")}, nil, nil, link.CauseRefused, "no"},
		{"Encode fails", protocol{}, nil, append(reply("first"), reply("unencodable")...), link.CauseInternal,
			string(frame(kindMessage, "first")) + "bye internal error"},
		{"bad headers", protocol{}, nil, []link.Frame{{Kind: link.Data, Conn: 1, Epoch: 1, Headers: []byte("x")}}, link.CauseInternal,
			"bye internal error"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := newKernel(t, tt.p, nil)
			client, _ := k.openWide(1)
			write(t, client, tt.sent)
			k.send(tt.reply...)
			k.awaitClose(1, 1, tt.cause, 0)
			k.send(closeFrame(1, tt.cause, 0))
			expectEnd(t, client, tt.want)
			client.Close()
			k.awaitClose(1, 2, tt.cause, link.Done)
		})
	}
}

func TestRepliesAfterAProtocolError(t *testing.T) {
	k := newKernel(t, protocol{}, nil)
	k.on = echo
	client, _ := k.openWide(1)
	write(t, client, append(frame(kindMessage, "good"), frame(kindBad, "")...))
	expectEnd(t, client, "bad frame"+string(frame(kindMessage, "good"))+"bye protocol error")
}

func TestLateAndForeignFrames(t *testing.T) {
	k := newKernel(t, protocol{}, nil)
	client, _ := k.openWide(1)
	before := k.host.Stale()
	late := []link.Frame{
		{Kind: link.Data, Conn: 2, Epoch: 1},
		{Kind: link.Data, Conn: 1, Epoch: 7},
		{Kind: link.Close, Conn: 1, Epoch: 7},
		{Kind: link.Commit, Conn: 1, Epoch: 1},
		{Kind: link.Resume, Conn: 1, Epoch: 2},
		{Kind: link.Release, Conn: 1, Epoch: 1},
	}
	k.send(late...)
	if got := k.host.Stale() - before; got != uint64(len(late)) {
		t.Errorf("Stale() rose by %d, want %d", got, len(late))
	}
	write(t, client, frame(kindMessage, "still here"))
	k.await(1, link.Data, 1)
}

func TestViolations(t *testing.T) {
	for _, tt := range []struct {
		name string
		f    link.Frame
		want string
	}{
		{"no descriptor flag", link.Frame{Kind: link.Open, Conn: 1}, "without a descriptor"},
		{"no descriptor", link.Frame{Kind: link.Open, Conn: 1, Flags: link.Descriptor}, "no descriptor has come"},
		{"offer without", link.Frame{Kind: link.Offer, Conn: 1}, "without a descriptor"},
		{"not ours", link.Frame{Kind: link.Bind, Conn: 1}, "BIND is not for a stream protocol"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := newKernel(t, protocol{}, nil)
			k.send(tt.f)
			k.violated(tt.want)
		})
	}
}

func TestOpenOfUnknownListener(t *testing.T) {
	k := newKernel(t, protocol{}, nil)
	client, fd := pair(t, "unix")
	k.fds.push(fd)
	o := openPayload(1, 1)
	o.Listener = 3
	k.send(link.Frame{Kind: link.Open, Flags: link.Descriptor, Conn: 1, Payload: marshal(t, o)})
	k.violated("listener 3 is unknown")
	client.SetReadDeadline(time.Now().Add(patience))
	if _, err := client.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("client read %v, want the end: the descriptor is closed", err)
	}
}
