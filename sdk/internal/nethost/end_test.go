package nethost_test

import (
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/internal/nethost"
	"github.com/netcore-go/netcore/sdk/internal/part"
	"github.com/netcore-go/netcore/sdk/link"
	pluginpb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

func TestKernelCloses(t *testing.T) {
	p := &lineProto{}
	k := startKernel(t, p, "")
	client, _ := k.connect(1)
	write(t, client, "hello\nunread")
	k.wantData(1, "hello")
	k.send(data(1, "bye"), closing(1, link.CauseOperator))
	wantRead(t, client, "bye\n")
	wantEOF(t, client) // though the kernel holds a copy
	k.want(1, link.Written, 0)
	k.wantCause(1, link.Done, link.CauseNone)
	if c := p.conn(0); c.cause != sdk.ErrOperator {
		t.Errorf("Peer.Close(%v), want %v", c.cause, sdk.ErrOperator)
	}
	eventually(t, "the table is empty", func() bool { return k.host.Connections() == 0 })
	k.send(data(1, "late"), closing(1, 0)) // no error
}

func TestKernelClosesBeforeOpen(t *testing.T) {
	tests := []struct {
		name   string
		frames []link.Frame
		hello  string
		want   string
	}{
		{"nothing to send", []link.Frame{closing(1, link.CauseRefused)}, "", ""},
		{"something to send", []link.Frame{data(1, "no"), closing(1, link.CauseRefused)}, "HELLO\n", "no\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := startKernel(t, &lineProto{}, "greet")
			client, _ := k.connect(1)
			k.send(tt.frames...)
			write(t, client, tt.hello)
			wantRead(t, client, tt.want)
			wantEOF(t, client)
			f := k.next(1)
			if f.Kind == link.Written {
				f = k.next(1)
			}
			if f.Kind != link.Close || f.Flags != link.Done {
				t.Errorf("frame %v flags %d, want CLOSE DONE", f.Kind, f.Flags)
			}
		})
	}
}

func TestPeerEnds(t *testing.T) {
	p := &lineProto{}
	k := startKernel(t, p, "")
	client, _ := k.connect(1)
	write(t, client, "hello\n")
	k.wantData(1, "hello")
	if err := client.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	k.wantCause(1, 0, link.CauseNone)
	k.send(data(1, "late reply"), closing(1, link.CauseNone))
	wantRead(t, client, "late reply\n")
	wantEOF(t, client)
	k.want(1, link.Written, 0)
	k.wantCause(1, link.Done, link.CauseNone)
	if err := p.conn(0).cause; err != nil {
		t.Errorf("Peer.Close(%v), want nil", err)
	}
}

func TestPeerResets(t *testing.T) {
	k := startKernel(t, &lineProto{}, "")
	client, _ := k.connect(1)
	write(t, client, "hello\n")
	k.wantData(1, "hello")
	if err := client.SetLinger(0); err != nil {
		t.Fatal(err)
	}
	client.Close()
	k.wantCause(1, 0, link.CauseReset)
	k.send(closing(1, link.CauseReset))
	k.wantCause(1, link.Done, link.CauseReset)
}

func TestProtocolClosesConn(t *testing.T) {
	p := &lineProto{}
	k := startKernel(t, p, "")
	client, _ := k.connect(1)
	write(t, client, "hello\n")
	k.wantData(1, "hello")
	c := p.conn(0).conn
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	wantEOF(t, client)
	k.wantCause(1, 0, link.CauseNone)
	if _, err := c.Write([]byte("x")); err == nil {
		t.Error("Write after Close = nil, want an error")
	}
	if err := c.Close(); err == nil {
		t.Error("second Close = nil, want an error")
	}
	k.send(data(1, "for nobody"), closing(1, link.CauseNone))
	k.wantCause(1, link.Done, link.CauseNone)
}

func TestHandshakeFails(t *testing.T) {
	k := startKernel(t, &lineProto{}, "greet")
	client, _ := k.connect(1)
	write(t, client, "GET / HTTP/1.1\n")
	wantEOF(t, client)
	k.wantCause(1, 0, link.CauseProtocol)
	k.wantCause(1, link.Done, link.CauseProtocol)
}

func TestPeerFails(t *testing.T) {
	tests := []struct {
		name    string
		message string
		want    link.Cause
		logs    []string
	}{
		{"error", "fail", link.CauseTooLarge, nil},
		{"panic", "panic", link.CauseInternal, []string{"protocol panicked"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := startKernel(t, &lineProto{}, "")
			client, _ := k.connect(1)
			k.send(data(1, "before"), data(1, tt.message), data(1, "after"))
			wantRead(t, client, "before\n")
			k.want(1, link.Written, 0)
			k.wantCause(1, 0, tt.want)
			k.send(closing(1, tt.want))
			wantEOF(t, client)
			k.wantCause(1, link.Done, tt.want)
			if got := k.log.all(); !slices.Equal(got, tt.logs) {
				t.Errorf("log = %q, want %q", got, tt.logs)
			}
		})
	}
}

func TestServeEndsEarly(t *testing.T) {
	broken := errors.New("broken")
	p := &lineProto{ended: make(chan error)}
	k := startKernel(t, p, "")
	client, _ := k.connect(1)
	write(t, client, "hello\n")
	k.wantData(1, "hello")
	p.ended <- broken
	if err := <-k.host.Done(); !errors.Is(err, broken) || err.Error() != "serve listener game: broken" {
		t.Errorf("Done() gives %v, want the error of Serve", err)
	}
	wantEOF(t, client)
	k.wantCause(1, 0, link.CauseInternal)
	k.send(closing(1, link.CauseInternal))
	k.wantCause(1, link.Done, link.CauseInternal)
	late, _ := k.connect(2)
	wantEOF(t, late)
	k.wantCause(2, 0, link.CauseInternal)
	k.wantCause(2, link.Done, link.CauseInternal)
}

func TestDrain(t *testing.T) {
	k := startKernel(t, &lineProto{}, "")
	client, _ := k.connect(1)
	write(t, client, "hello\n")
	k.wantData(1, "hello")
	k.host.Drain()
	k.wantCause(1, 0, link.CauseNone)
	k.send(closing(1, link.CauseDraining))
	k.wantCause(1, link.Done, link.CauseNone)
	wantEOF(t, client)
	select {
	case err := <-k.host.Done():
		t.Errorf("Done() gives %v after Drain, want nothing", err)
	default:
	}
}

func TestCloseSaysNothing(t *testing.T) {
	k := startKernel(t, &lineProto{}, "")
	client, server := k.connect(1)
	write(t, client, "hello\n")
	k.wantData(1, "hello")
	k.host.Close()
	// The kernel's copy works on.
	write(t, server, "alive")
	wantRead(t, client, "alive")
}

func TestViolations(t *testing.T) {
	wide := opening(1, 1)
	elsewhere := &pluginpb.Open{Listener: 8, WindowMessages: 1, WindowBytes: 1}
	tests := []struct {
		name  string
		frame link.Frame
	}{
		{"kind", link.Frame{Kind: link.Bind}},
		{"no descriptor", link.Frame{Kind: link.Open, Flags: link.Descriptor, Conn: 1, Payload: marshal(t, wide)}},
		{"offer without a descriptor", link.Frame{Kind: link.Offer, Conn: 1, Payload: marshal(t, &pluginpb.Offer{Open: wide})}},
		{"listener", link.Frame{Kind: link.Open, Conn: 1, Payload: marshal(t, elsewhere)}},
		{"no window", link.Frame{Kind: link.Open, Conn: 1, Payload: marshal(t, &pluginpb.Open{Listener: 7})}},
		{"payload", link.Frame{Kind: link.Open, Conn: 1, Payload: []byte{0xff}}},
	}
	_, end := link.Pair()
	h, err := nethost.New(&lineProto{}, nil, []*pluginpb.ListenerConfig{{Index: 7}}, part.Env{Link: end, Descriptors: noDescriptors{}})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := h.Handle(&tt.frame); err == nil {
				t.Error("Handle() = nil, want an error")
			}
		})
	}
}

type noDescriptors struct{}

func (noDescriptors) Receive() (int, error) { return -1, io.EOF }
