package nethost_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/link"
	pluginpb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
	"google.golang.org/protobuf/proto"
)

func prepare(number uint64) link.Frame {
	return link.Frame{Kind: link.Prepare, Conn: number, Epoch: 1}
}

// prepared prepares connection 1 and returns the record.
func (k *fakeKernel) prepared() *pluginpb.Record {
	k.t.Helper()
	k.send(prepare(1))
	r := new(pluginpb.Record)
	if err := proto.Unmarshal(k.want(1, link.Prepared, 0).Payload, r); err != nil {
		k.t.Fatal(err)
	}
	return r
}

// offer offers connection 1 with epoch 2.
func (k *fakeKernel) offer(c *net.TCPConn, o *pluginpb.Offer) {
	k.t.Helper()
	k.pass(c)
	k.send(link.Frame{Kind: link.Offer, Flags: link.Descriptor, Conn: 1, Epoch: 2, Payload: marshal(k.t, o)})
}

func frame2(kind link.Kind) link.Frame { return link.Frame{Kind: kind, Conn: 1, Epoch: 2} }

func TestMove(t *testing.T) {
	oldProto := &lineProto{}
	old := startKernel(t, oldProto, "")
	client, server := old.connect(1)
	write(t, client, "one\ntw")
	old.wantData(1, "one")
	old.send(data(1, "flushed"))
	old.want(1, link.Written, 0)
	r := old.prepared()
	wantRead(t, client, "flushed\n")
	want := &pluginpb.Record{Version: 1, Unread: []byte("tw"), State: []byte("1"), Consumed: 6, Written: 8}
	if !proto.Equal(r, want) {
		t.Fatalf("record = %v, want %v", r, want)
	}

	successor := startKernel(t, &lineProto{}, "")
	successor.offer(server, &pluginpb.Offer{Open: opening(2, 100), Record: r, OutstandingMessages: 1, OutstandingBytes: 3})
	successor.want(1, link.Ready, 0)
	write(t, client, "o\nthree\n")
	successor.none(1)
	successor.send(frame2(link.Commit))
	old.send(link.Frame{Kind: link.Release, Conn: 1, Epoch: 1})
	if f := successor.wantData(1, "two"); f.Epoch != 2 {
		t.Errorf("epoch %d, want 2", f.Epoch)
	}
	eventually(t, "the window is shut", func() bool { return successor.host.Waiting(1) })
	successor.send(link.Frame{Kind: link.Ack, Conn: 1, Epoch: 2, N: 1, Aux: 3})
	successor.wantData(1, "three")

	<-oldProto.conn(0).over
	if err := oldProto.conn(0).cause; err != sdk.ErrMoved {
		t.Errorf("Peer.Close(%v), want %v", err, sdk.ErrMoved)
	}
	if n := old.host.Connections(); n != 0 {
		t.Errorf("Connections() = %d after RELEASE, want 0", n)
	}
	reply := data(1, "still here")
	reply.Epoch = 2
	successor.send(reply)
	wantRead(t, client, "still here\n")
	old.none(1)
	successor.wantOffsets(14, 19)
}

// wantOffsets prepares connection 1 in epoch 2: the offsets go on from the
// predecessor's.
func (k *fakeKernel) wantOffsets(consumed, written uint64) {
	k.t.Helper()
	k.want(1, link.Written, 0)
	k.send(frame2(link.Prepare))
	r := new(pluginpb.Record)
	if err := proto.Unmarshal(k.want(1, link.Prepared, 0).Payload, r); err != nil {
		k.t.Fatal(err)
	}
	if r.Consumed != consumed || r.Written != written || string(r.State) != "3" {
		k.t.Errorf("record = %v, want consumed %d, written %d, state 3", r, consumed, written)
	}
}

func TestResumeAfterPrepared(t *testing.T) {
	k := startKernel(t, &lineProto{}, "")
	client, _ := k.connect(1)
	write(t, client, "one\ntw")
	k.wantData(1, "one")
	k.prepared()
	write(t, client, "o\n")
	k.send(link.Frame{Kind: link.Resume, Conn: 1, Epoch: 3})
	if f := k.wantData(1, "two"); f.Epoch != 3 {
		t.Errorf("epoch %d, want 3", f.Epoch)
	}
	k.send(data(1, "stale"), link.Frame{Kind: link.Data, Conn: 1, Epoch: 3, Payload: []byte("fresh")})
	wantRead(t, client, "fresh\n")
}

// The kernel gives up while the peer is still stopping.
func TestResumeBeforePrepared(t *testing.T) {
	p := &lineProto{slow: make(chan struct{})}
	k := startKernel(t, p, "")
	k.host.SetLimits(time.Minute, time.Minute)
	client, _ := k.connect(1)
	write(t, client, "one\n")
	k.wantData(1, "one")
	k.send(prepare(1), link.Frame{Kind: link.Resume, Conn: 1, Epoch: 2})
	close(p.slow)
	write(t, client, "two\n")
	if f := k.wantData(1, "two"); f.Epoch != 2 {
		t.Errorf("epoch %d, want 2", f.Epoch)
	}
}

func TestCloseAtRest(t *testing.T) {
	k := startKernel(t, &lineProto{}, "")
	client, _ := k.connect(1)
	write(t, client, "one\n")
	k.wantData(1, "one")
	k.prepared()
	k.send(closing(1, link.CauseDraining))
	wantEOF(t, client)
	k.wantCause(1, link.Done, link.CauseNone)
}

func TestPrepareRefused(t *testing.T) {
	tests := []struct {
		name    string
		options string
		window  uint32
		before  func(t *testing.T, k *fakeKernel)
		want    string
	}{
		{"not movable", "stay", 64, func(*testing.T, *fakeKernel) {}, "connection cannot move"},
		{"message in part", "", 64, func(_ *testing.T, k *fakeKernel) {
			f := data(1, "half")
			f.Flags = link.More
			k.send(f)
		}, "a message to it is not whole"},
		{"window shut", "", 1, func(t *testing.T, k *fakeKernel) {
			eventually(t, "Deliver waits", func() bool { return k.host.Waiting(1) })
		}, "its window is shut"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := startKernel(t, &lineProto{}, tt.options)
			k.host.SetLimits(50*time.Millisecond, time.Minute)
			client, server := tcpPair(t)
			k.open(1, server, opening(tt.window, 1<<20))
			write(t, client, "one\ntwo\n")
			k.wantData(1, "one")
			if tt.window > 1 {
				k.wantData(1, "two")
			}
			tt.before(t, k)
			k.send(prepare(1))
			if f := k.want(1, link.Prepared, link.Refused); string(f.Payload) != tt.want {
				t.Errorf("PREPARED REFUSED %q, want %q", f.Payload, tt.want)
			}
			// It goes on.
			k.send(link.Frame{Kind: link.Ack, Conn: 1, Epoch: 1, N: 1, Aux: 3})
			if tt.window == 1 {
				k.wantData(1, "two")
				return
			}
			write(t, client, "three\n")
			k.wantData(1, "three")
		})
	}
}

func TestPrepareRefusedBehindSlowPeer(t *testing.T) {
	k := startKernel(t, &lineProto{}, "")
	k.host.SetLimits(50*time.Millisecond, time.Minute)
	client, server := k.connect(1)
	if err := server.SetWriteBuffer(4096); err != nil {
		t.Fatal(err)
	}
	write(t, client, "one\n")
	k.wantData(1, "one")
	chunk := strings.Repeat("x", link.MaxChunk)
	for range 1000 {
		k.send(data(1, chunk))
	}
	k.send(prepare(1))
	for {
		f := k.next(1)
		if f.Kind == link.Written {
			continue
		}
		if f.Kind != link.Prepared || f.Flags != link.Refused || string(f.Payload) != "the peer is slow" {
			t.Errorf("frame %v flags %d %q, want PREPARED REFUSED", f.Kind, f.Flags, f.Payload)
		}
		break
	}
	k.send(link.Frame{Kind: link.Close, Flags: link.Abort, Conn: 1, Epoch: 1})
}

func TestPrepareBeforeOpen(t *testing.T) {
	k := startKernel(t, &lineProto{}, "greet")
	k.connect(1)
	k.send(prepare(1))
	k.want(1, link.Prepared, link.Refused)
}

func TestOfferRefused(t *testing.T) {
	tests := []struct {
		name    string
		options string
		version uint32
		want    string
	}{
		{"version", "", 2, "record of version 2, want 1"},
		{"not opened", "deaf", 1, "the protocol does not take it"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := startKernel(t, &lineProto{deaf: tt.options == "deaf"}, "")
			k.host.SetLimits(time.Minute, 20*time.Millisecond)
			client, server := tcpPair(t)
			k.offer(server, &pluginpb.Offer{Open: opening(2, 100), Record: &pluginpb.Record{Version: tt.version}})
			if f := k.want(1, link.Ready, link.Refused); string(f.Payload) != tt.want {
				t.Errorf("READY REFUSED %q, want %q", f.Payload, tt.want)
			}
			// The connection is still the predecessor's.
			write(t, server, "alive")
			wantRead(t, client, "alive")
			eventually(t, "the table is empty", func() bool { return k.host.Connections() == 0 })
		})
	}
}

func TestBetweenReadyAndCommit(t *testing.T) {
	start := func(t *testing.T) (*fakeKernel, *lineProto, *net.TCPConn, *net.TCPConn) {
		p := &lineProto{}
		k := startKernel(t, p, "")
		client, server := tcpPair(t)
		k.offer(server, &pluginpb.Offer{Open: opening(2, 100), Record: &pluginpb.Record{Version: 1}})
		k.want(1, link.Ready, 0)
		return k, p, client, server
	}
	t.Run("release", func(t *testing.T) {
		k, p, client, server := start(t)
		k.send(frame2(link.Release))
		<-p.conn(0).over
		write(t, server, "alive")
		wantRead(t, client, "alive")
		k.none(1)
	})
	t.Run("protocol closes", func(t *testing.T) {
		k, p, client, server := start(t)
		p.conn(0).conn.Close()
		k.none(1)
		write(t, server, "alive")
		wantRead(t, client, "alive")
		k.send(frame2(link.Commit))
		k.wantCause(1, 0, link.CauseNone)
		wantEOF(t, client)
	})
	t.Run("kernel closes", func(t *testing.T) {
		k, _, client, _ := start(t)
		k.send(frame2(link.Close))
		wantEOF(t, client)
		k.wantCause(1, link.Done, link.CauseNone)
	})
}
