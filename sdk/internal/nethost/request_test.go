package nethost_test

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/link"
)

// grabProto hands its kernel out.
type grabProto struct{ kernel chan sdk.Kernel }

func (p grabProto) Info() sdk.Info { return sdk.Info{Name: "grab"} }

func (p grabProto) Serve(_ context.Context, l net.Listener, k sdk.Kernel, _ []byte) error {
	p.kernel <- k
	for {
		c, err := l.Accept()
		if err != nil {
			return nil
		}
		c.Close()
	}
}

// A silentPeer does nothing.
type silentPeer struct{}

func (silentPeer) Send(sdk.Message) error { return nil }
func (silentPeer) EndReply(uint64)        {}
func (silentPeer) Close(error)            {}

func grab(t *testing.T) (*fakeKernel, sdk.Kernel) {
	p := grabProto{make(chan sdk.Kernel)}
	k := startKernel(t, p, "")
	k.connect(1)
	kernel := <-p.kernel
	k.wantCause(1, 0, link.CauseProtocol)
	k.wantCause(1, link.Done, link.CauseProtocol)
	return k, kernel
}

func TestRequestGivenUp(t *testing.T) {
	k, kernel := grab(t)
	ctx, cancel := context.WithCancel(context.Background())
	got := make(chan error)
	go func() {
		_, err := kernel.Request(ctx, nil, nil, "poll", silentPeer{})
		got <- err
	}()
	token, _ := k.request()
	cancel()
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Errorf("Request() = %v, want %v", err, context.Canceled)
	}
	k.admit(token, 2)
	k.wantCause(2, 0, link.CauseNone)
	k.wantCause(2, link.Done, link.CauseNone)
}

func TestRequestAtClose(t *testing.T) {
	k, kernel := grab(t)
	got := make(chan error)
	go func() {
		_, err := kernel.Request(context.Background(), nil, nil, "poll", silentPeer{})
		got <- err
	}()
	k.request()
	go k.host.Close()
	if err := <-got; !errors.Is(err, sdk.ErrClosed) {
		t.Errorf("Request() = %v, want %v", err, sdk.ErrClosed)
	}
	if _, err := kernel.Request(context.Background(), nil, nil, "", silentPeer{}); !errors.Is(err, sdk.ErrClosed) {
		t.Errorf("Request() after Close = %v, want %v", err, sdk.ErrClosed)
	}
}

func TestDeliverEnds(t *testing.T) {
	k, kernel := grab(t)
	got := make(chan sdk.Session)
	go func() {
		s, err := kernel.Request(context.Background(), nil, nil, "poll", silentPeer{})
		if err != nil {
			t.Error(err)
		}
		got <- s
	}()
	token, _ := k.request()
	k.send(link.Frame{Kind: link.Open, Stream: token, Conn: 255, Epoch: 1, Payload: marshal(t, opening(1, 1))})
	s := <-got
	if s.ID() != "ff" {
		t.Errorf("ID() = %s, want ff", s.ID())
	}
	m := sdk.Message{Data: []byte("x")}
	if err := s.Deliver(context.Background(), m); err != nil {
		t.Fatal(err)
	}
	k.wantData(255, "x")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Deliver(ctx, m); !errors.Is(err, context.Canceled) {
		t.Errorf("Deliver() = %v, want %v", err, context.Canceled)
	}
	over := make(chan error)
	go func() { over <- s.Deliver(context.Background(), m) }()
	eventually(t, "Deliver waits", func() bool { return k.host.Waiting(255) })
	s.Close(sdk.ErrIdle)
	if err := <-over; !errors.Is(err, sdk.ErrClosed) {
		t.Errorf("Deliver() = %v, want %v", err, sdk.ErrClosed)
	}
	s.Close(nil) // the first counts
	k.wantCause(255, 0, link.CauseIdle)
	k.send(closing(255, link.CauseIdle))
	k.wantCause(255, link.Done, link.CauseIdle)
}

func TestOpenOfForeignConn(t *testing.T) {
	_, kernel := grab(t)
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if _, err := kernel.Open(a, silentPeer{}); err == nil {
		t.Error("Open() of a connection that is not from Accept = nil, want an error")
	}
}
