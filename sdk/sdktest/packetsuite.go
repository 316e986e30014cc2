package sdktest

import (
	"bytes"
	"net"
	"testing"
	"time"

	"github.com/netcore-go/netcore/sdk"
)

// TestPacketProtocol checks an [sdk.PacketProtocol]. Each message is one
// datagram, each way; Hello and Ping are not used.
func TestPacketProtocol(t *testing.T, o Options) {
	t.Helper()
	all := []check{
		{"EchoEachPeer", echoEachPeer},
		{"RefusedPeerIsSilent", refusedPeerIsSilent},
		{"PeerComesBack", peerComesBack},
		{"MoveRefusedGoesOn", packetMoveRefused},
		{"StopsCleanly", packetStopsCleanly},
	}
	if len(o.Malformed) > 0 {
		all = append(all, check{"MalformedIsIgnored", malformedIsIgnored})
	}
	run(t, o, []check{{"NoGoroutineLeft", packetNoGoroutineLeft}}, all)
}

// peers is how many clients a check has.
const peers = 8

// dial returns a client of a listener.
func (w *wire) dial(l *Listener) net.Conn {
	w.Helper()
	c, err := net.Dial("udp", l.Addr().String())
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { c.Close() })
	return c
}

// exchange has a client send m and get its reply. Over loopback nothing is lost
// as long as little is under way.
func (w *wire) exchange(c net.Conn, m sdk.Message) {
	w.Helper()
	w.sendPacket(c, w.o.Encode(m))
	w.expectPacket(c, w.o.Reply(m))
}

func (w *wire) sendPacket(c net.Conn, p []byte) {
	w.Helper()
	if _, err := c.Write(p); err != nil {
		w.Fatal(err)
	}
}

func (w *wire) expectPacket(c net.Conn, want []byte) {
	w.Helper()
	_ = c.SetReadDeadline(time.Now().Add(patienceOf(w))) // fails only if closed, as the read does then
	b := make([]byte, 64<<10)
	n, err := c.Read(b)
	if err != nil || !bytes.Equal(b[:n], want) {
		w.Fatalf("client %v got %.80q, %v, want %.80q", c.LocalAddr(), b[:n], err, want)
	}
}

// echoEachPeer: each remote address is a connection, whose messages come back
// to it in order.
func echoEachPeer(w *wire) {
	l := w.k.Listen(w.start())
	clients := make([]net.Conn, peers)
	for i := range clients {
		clients[i] = w.dial(l)
	}
	for range rounds {
		for _, m := range w.o.Messages {
			for _, c := range clients {
				w.sendPacket(c, w.o.Encode(m))
			}
			for _, c := range clients {
				w.expectPacket(c, w.o.Reply(m))
			}
		}
	}
	conns := l.Conns(peers)
	if len(conns) != peers {
		w.Errorf("%d connections were asked for, want %d", len(conns), peers)
	}
	for _, c := range conns {
		checkMessages(w, c.Heard(rounds*len(w.o.Messages)), w.o.Messages)
	}
}

// refusedPeerIsSilent: a peer that the kernel refuses gets no reply, and is
// asked for again when it sends again.
func refusedPeerIsSilent(w *wire) {
	l := w.k.Listen(w.start())
	first := w.dial(l)
	l.Refuse(1)
	w.sendPacket(first, w.o.Encode(w.o.Messages[0]))
	w.k.wait(func() bool { return l.refuse == 0 }, "request of a peer")
	other := w.dial(l)
	w.exchange(other, w.o.Messages[0])
	w.again(first, w.o.Messages[1])
}

// again sends m until its reply comes: a plugin that has not yet done with the
// peer as it was may drop some.
func (w *wire) again(c net.Conn, m sdk.Message) {
	w.Helper()
	b := make([]byte, 64<<10)
	for deadline := time.Now().Add(patienceOf(w)); ; {
		w.sendPacket(c, w.o.Encode(m))
		_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond)) // fails only if closed, as the read does then
		n, err := c.Read(b)
		if err == nil && bytes.Equal(b[:n], w.o.Reply(m)) {
			return
		}
		if time.Now().After(deadline) {
			w.Fatalf("client %v got %.80q, %v, want %.80q", c.LocalAddr(), b[:n], err, w.o.Reply(m))
		}
	}
}

// peerComesBack: a connection that the kernel closes ends once, and the peer
// gets a new one when it sends again.
func peerComesBack(w *wire) {
	l := w.k.Listen(w.start())
	c := w.dial(l)
	w.exchange(c, w.o.Messages[0])
	conn := l.Conns(1)[0]
	conn.Close()
	conn.Done()
	w.again(c, w.o.Messages[1])
	if again := l.Conns(2)[1]; again.ID == conn.ID {
		w.Errorf("connection %d was used again", conn.ID)
	}
}

// packetMoveRefused: a peer that is asked to move and does not goes on.
func packetMoveRefused(w *wire) {
	l := w.k.Listen(w.start())
	c := w.dial(l)
	w.exchange(c, w.o.Messages[0])
	conn := l.Conns(1)[0]
	if err := conn.Prepare(); err == nil {
		conn.Resume()
	}
	w.exchange(c, w.o.Messages[1])
}

// malformedIsIgnored: a datagram that is none of the protocol is no end of
// anything.
func malformedIsIgnored(w *wire) {
	l := w.k.Listen(w.start())
	c := w.dial(l)
	for _, bad := range w.o.Malformed {
		w.sendPacket(c, bad)
		w.exchange(c, w.o.Messages[0])
	}
}

func packetStopsCleanly(w *wire) {
	p := w.start()
	l := w.k.Listen(p)
	w.exchange(w.dial(l), w.o.Messages[0])
	if err := p.Stop(); err != nil {
		w.Errorf("Stop: %v", err)
	}
}

func packetNoGoroutineLeft(w *wire) {
	before := goroutines()
	k := NewKernel(w)
	inner := &wire{T: w.T, o: w.o, carrier: w.carrier, k: k}
	l := k.Listen(inner.start())
	inner.exchange(inner.dial(l), w.o.Messages[0])
	k.Close()
	checkGoroutines(w, before)
}
