package nethost_test

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/link"
	pluginpb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
	"google.golang.org/protobuf/proto"
)

// listen gives the plugin a socket and returns its address.
func (k *fakeKernel) listen() *net.UDPConn {
	k.t.Helper()
	pc, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() { pc.Close() })
	k.pass(pc)
	k.send(link.Frame{Kind: link.Listen, Flags: link.Descriptor, Stream: 7})
	return pc
}

func dialUDP(t *testing.T, to *net.UDPConn) *net.UDPConn {
	t.Helper()
	c, err := net.DialUDP("udp", nil, to.LocalAddr().(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c
}

// request waits for an OPEN_REQUEST.
func (k *fakeKernel) request() (token uint64, r *pluginpb.OpenRequest) {
	k.t.Helper()
	f := k.want(0, link.OpenRequest, 0)
	r = new(pluginpb.OpenRequest)
	if err := proto.Unmarshal(f.Payload, r); err != nil {
		k.t.Fatal(err)
	}
	return f.Stream, r
}

func (k *fakeKernel) admit(token, number uint64) {
	k.send(link.Frame{Kind: link.Open, Stream: token, Conn: number, Epoch: 1, Payload: marshal(k.t, opening(64, 1<<20))})
}

func wantDatagram(t *testing.T, c net.Conn, want string) {
	t.Helper()
	b := make([]byte, 2048)
	if n, err := c.Read(b); err != nil || string(b[:n]) != want {
		t.Fatalf("datagram %q, %v, want %q", b[:n], err, want)
	}
}

func TestPacketSessions(t *testing.T) {
	k := startKernel(t, &dgramProto{}, "")
	socket := k.listen()
	a, b := dialUDP(t, socket), dialUDP(t, socket)
	for i, c := range []*net.UDPConn{a, b} {
		number := uint64(i + 1)
		write(t, c, "hello")
		token, r := k.request()
		want := &pluginpb.OpenRequest{Listener: 7, Local: "udp|" + socket.LocalAddr().String(), Remote: "udp|" + c.LocalAddr().String()}
		if !proto.Equal(r, want) {
			t.Errorf("request = %v, want %v", r, want)
		}
		k.admit(token, number)
		k.wantData(number, "hello")
	}
	k.send(data(2, "to b"), data(1, "to a"))
	wantDatagram(t, a, "to a")
	wantDatagram(t, b, "to b")
	k.want(1, link.Written, 0)
	k.want(2, link.Written, 0)
	write(t, a, "quit")
	k.wantCause(1, 0, link.CauseNone)
	k.send(data(1, "for nobody"), closing(1, link.CauseNone))
	k.wantCause(1, link.Done, link.CauseNone)
	k.send(closing(2, link.CauseDraining))
	k.wantCause(2, link.Done, link.CauseNone)
	// A new session of the same address.
	eventually(t, "the sessions are gone", func() bool { return k.host.Connections() == 0 })
	eventually(t, "the address is new again", func() bool {
		write(t, a, "again")
		k.mu.Lock()
		defer k.mu.Unlock()
		return len(k.frames) > 0
	})
	k.request()
}

func TestPacketKeys(t *testing.T) {
	k := startKernel(t, &dgramProto{keyed: true}, "")
	c := dialUDP(t, k.listen())
	for number, key := range map[uint64]string{1: "red", 2: "blue"} {
		write(t, c, key+" hello")
		token, r := k.request()
		if r.Key != key {
			t.Errorf("key %q, want %q", r.Key, key)
		}
		k.admit(token, number)
		k.wantData(number, "hello")
	}
	write(t, c, "red more")
	k.wantData(1, "more")
}

func TestRefuse(t *testing.T) {
	tests := []struct {
		name  string
		cause link.Cause
		want  error
	}{
		{"admission", link.CauseRefused, sdk.ErrRefused},
		{"no cause", link.CauseNone, sdk.ErrRefused},
		{"draining", link.CauseDraining, sdk.ErrDraining},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := &dgramProto{refused: make(chan error)}
			k := startKernel(t, p, "")
			write(t, dialUDP(t, k.listen()), "hello")
			token, _ := k.request()
			k.send(link.Frame{Kind: link.Refuse, Stream: token, N: tt.cause})
			if err := <-p.refused; !errors.Is(err, sdk.ErrRefused) || !errors.Is(err, tt.want) {
				t.Errorf("Request() = %v, want %v", err, tt.want)
			}
			k.admit(token, 1) // of a request that is not there any more
			k.wantCause(1, 0, link.CauseNone)
			k.wantCause(1, link.Done, link.CauseNone)
		})
	}
}

func TestSocketAtRestIsNotRead(t *testing.T) {
	k := startKernel(t, &dgramProto{}, "")
	socket := k.listen()
	c := dialUDP(t, socket)
	write(t, c, "hello")
	token, _ := k.request()
	k.admit(token, 1)
	k.wantData(1, "hello")
	k.prepared()
	write(t, c, "waiting")
	// It is still in the socket: the kernel can read it.
	b := make([]byte, 64)
	if err := socket.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if n, err := socket.Read(b); err != nil || string(b[:n]) != "waiting" {
		t.Fatalf("the socket has %q, %v, want the datagram", b[:n], err)
	}
	write(t, c, "after")
	k.send(link.Frame{Kind: link.Resume, Conn: 1, Epoch: 2})
	k.wantData(1, "after")
}

func TestOfferOverPackets(t *testing.T) {
	k := startKernel(t, &dgramProto{}, "")
	_, server := tcpPair(t)
	k.offer(server, &pluginpb.Offer{Open: opening(1, 1), Record: &pluginpb.Record{Version: 1}})
	if f := k.want(1, link.Ready, link.Refused); string(f.Payload) != "protocol dgram cannot move connections" {
		t.Errorf("READY REFUSED %q", f.Payload)
	}
}
