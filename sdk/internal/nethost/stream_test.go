package nethost_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/internal/nethost"
	"github.com/netcore-go/netcore/sdk/internal/part"
	"github.com/netcore-go/netcore/sdk/link"
	pluginpb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

func write(t *testing.T, c net.Conn, s string) {
	t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		t.Fatal(err)
	}
}

func wantRead(t *testing.T, c io.Reader, want string) {
	t.Helper()
	b := make([]byte, len(want))
	if _, err := io.ReadFull(c, b); err != nil || string(b) != want {
		t.Fatalf("read %q, %v, want %q", b, err, want)
	}
}

func wantEOF(t *testing.T, c io.Reader) {
	t.Helper()
	if rest, err := io.ReadAll(c); err != nil || len(rest) > 0 {
		t.Fatalf("read %q, %v, want the end", rest, err)
	}
}

func TestNewChecks(t *testing.T) {
	tests := []struct {
		name      string
		listeners []*pluginpb.ListenerConfig
		want      string
	}{
		{"wrong option", []*pluginpb.ListenerConfig{{Name: "a"}, {Index: 1, Name: "game", Options: []byte("bad")}}, "listener game: option framing: unknown"},
		{"index twice", []*pluginpb.ListenerConfig{{Name: "a"}, {Name: "b"}}, "listener b: index 0 is taken"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := nethost.New(&lineProto{}, nil, tt.listeners, part.Env{})
			if err == nil || err.Error() != tt.want {
				t.Fatalf("New() = %v, want %s", err, tt.want)
			}
			var of *nethost.ListenerError
			if !errors.As(err, &of) {
				t.Fatalf("New() = %T, want a ListenerError", err)
			}
		})
	}
	var option *sdk.OptionError
	_, err := nethost.New(&lineProto{}, nil, tests[0].listeners, part.Env{})
	if !errors.As(err, &option) || option.Field != "framing" {
		t.Errorf("New() = %v, want an OptionError of framing", err)
	}
	if _, err := nethost.New(nil, nil, nil, part.Env{}); err == nil {
		t.Error("New(nil, nil) = nil, want an error")
	}
}

func TestMessagesBothWays(t *testing.T) {
	for _, options := range []string{"", "wrap"} {
		t.Run(options, func(t *testing.T) {
			k := startKernel(t, &lineProto{}, options)
			client, _ := k.connect(1)
			write(t, client, "hello\n")
			f := k.wantData(1, "hello")
			headers, err := link.Headers(f.Headers)
			if err != nil || headers["remote"] != "192.0.2.9:4711" {
				t.Errorf("remote = %v, %v, want the address of OPEN", headers, err)
			}
			if f.Epoch != 1 || f.Type != 1 || f.Aux != 0 {
				t.Errorf("DATA epoch %d type %d aux %d, want 1, 1, 0", f.Epoch, f.Type, f.Aux)
			}
			k.send(data(1, "welcome"))
			wantRead(t, client, "welcome\n")
			if f := k.want(1, link.Written, 0); f.N != 1 || f.Aux != 7 {
				t.Errorf("WRITTEN n %d aux %d, want 1, 7", f.N, f.Aux)
			}
			if n := k.host.Connections(); n != 1 {
				t.Errorf("Connections() = %d, want 1", n)
			}
		})
	}
}

func TestWrittenIsCoalesced(t *testing.T) {
	k := startKernel(t, &lineProto{}, "greet")
	client, _ := k.connect(1)
	for i := range 20 {
		k.send(data(1, fmt.Sprintf("m%02d", i)))
	}
	write(t, client, "HELLO\n")
	for i := range 20 {
		wantRead(t, client, fmt.Sprintf("m%02d\n", i))
	}
	for _, want := range []uint64{24, 48, 60} {
		f := k.want(1, link.Written, 0)
		if f.Aux != want {
			t.Errorf("WRITTEN n %d aux %d, want aux %d", f.N, f.Aux, want)
		}
	}
}

func TestLongMessages(t *testing.T) {
	k := startKernel(t, &lineProto{}, "")
	client, _ := k.connect(1)
	long := strings.Repeat("0123456789", 4000)
	write(t, client, long+"\n")
	var got string
	for _, flags := range []link.Flags{link.More, link.More, 0} {
		f := k.want(1, link.Data, flags)
		if first := got == ""; first != (len(f.Headers) > 0) {
			t.Errorf("%d bytes of headers, want them in the first part only", len(f.Headers))
		}
		got += string(f.Payload)
	}
	if got != long {
		t.Errorf("message of %d bytes differs", len(got))
	}
	// Parts of different streams come in any order.
	part := func(stream uint64, flags link.Flags, payload string) link.Frame {
		f := data(1, payload)
		f.Stream, f.Flags = stream, flags
		return f
	}
	k.send(part(1, link.More, "a"), part(2, link.More, "x"), part(0, 0, "whole"), part(1, link.More, "b"), part(2, 0, "y"), part(1, 0, "c"))
	wantRead(t, client, "whole\nxy\nabc\n")
}

func TestWindow(t *testing.T) {
	tests := []struct {
		name   string
		window *pluginpb.Open
	}{
		{"messages", opening(2, 1<<20)},
		{"bytes", opening(64, 6)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := startKernel(t, &lineProto{}, "")
			client, server := tcpPair(t)
			k.open(1, server, tt.window)
			write(t, client, "one\ntwo\nthree\n")
			k.wantData(1, "one")
			k.wantData(1, "two")
			eventually(t, "Deliver waits", func() bool { return k.host.Waiting(1) })
			k.none(1)
			k.send(link.Frame{Kind: link.Ack, Conn: 1, Epoch: 9, N: 1, Aux: 3}) // of another epoch
			k.none(1)
			k.send(link.Frame{Kind: link.Ack, Conn: 1, Epoch: 1, N: 1, Aux: 3})
			k.wantData(1, "three")
		})
	}
}

func TestSlowPeerHoldsNobodyUp(t *testing.T) {
	k := startKernel(t, &lineProto{}, "")
	_, slow := k.connect(1)
	if err := slow.SetWriteBuffer(4096); err != nil {
		t.Fatal(err)
	}
	chunk := strings.Repeat("x", link.MaxChunk)
	for range 1000 {
		k.send(data(1, chunk))
	}
	client, _ := k.connect(2)
	write(t, client, "hello\n")
	k.wantData(2, "hello")
	k.send(closing(1, link.CauseDraining)) // waits for the peer
	k.send(link.Frame{Kind: link.Close, Flags: link.Abort, Conn: 1, Epoch: 1, N: link.CauseOverflow})
	for {
		f := k.next(1)
		if f.Kind == link.Written {
			continue
		}
		if f.Kind != link.Close || f.Flags != link.Done {
			t.Fatalf("frame %v flags %d, want CLOSE DONE", f.Kind, f.Flags)
		}
		break
	}
}

func TestStreams(t *testing.T) {
	k := startKernel(t, &lineProto{streams: true}, "")
	client, _ := k.connect(1)
	write(t, client, "5:ask\n6:ask\n")
	for _, stream := range []uint64{5, 6} {
		if f := k.wantData(1, "ask"); f.Stream != stream {
			t.Errorf("stream %d, want %d", f.Stream, stream)
		}
	}
	reply := data(1, "answer")
	reply.Stream = 5
	done := link.Frame{Kind: link.Ack, Flags: link.Done, Conn: 1, Epoch: 1, N: 1, Aux: 3, Stream: 6}
	k.send(reply, done)
	done.Stream = 5
	k.send(done)
	wantRead(t, client, "answer\nend 6\nend 5\n")
}

func TestAddresses(t *testing.T) {
	p := &lineProto{}
	k := startKernel(t, p, "")
	for number := uint64(1); number <= 3; number++ {
		client, _ := k.connect(number)
		write(t, client, "x\n")
		k.wantData(number, "x")
	}
	if got := p.conn(0).conn.LocalAddr().String(); got != "192.0.2.1:7001" {
		t.Errorf("LocalAddr() = %s, want that of OPEN", got)
	}
}
