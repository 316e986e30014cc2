package handlerhost_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/internal/handlerhost"
	"github.com/netcore-go/netcore/sdk/link"
	pb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// full is a handler with all abilities but those that a test takes away.
type full struct {
	funcs
	host     sdk.Host
	config   string
	moved    func(sdk.Connection)
	resumed  func(sdk.Connection, int)
	stopped  context.Context
	startErr error
}

func (f *full) Configure(config []byte) error { f.config = string(config); return nil }

func (f *full) Start(ctx context.Context, host sdk.Host) error {
	f.host, f.stopped = host, ctx
	return f.startErr
}

func (f *full) OnMoved(c sdk.Connection) { f.moved(c) }

func (f *full) OnResume(c sdk.Connection, lost int) { f.resumed(c, lost) }

func TestArrival(t *testing.T) {
	modes(t, func(t *testing.T, inline bool) {
		calls := make(chan string, 10)
		h := &full{funcs: funcs{inline: inline, connect: func(c sdk.Connection) { calls <- "connect " + c.ID() }}}
		h.moved = func(c sdk.Connection) { calls <- "moved " + c.ID() }
		h.resumed = func(c sdk.Connection, lost int) { calls <- fmt.Sprint("resumed ", c.ID(), " ", lost) }
		k := serve(t, h)
		for _, tt := range []struct {
			flags link.Flags
			want  string
		}{{0, "connect a"}, {link.Moved, "moved b"}, {link.Resumed, "resumed c 3"}} {
			conn := uint64(tt.want[len(tt.want)-1]-'a') + 10
			if tt.flags == link.Resumed {
				conn = 12
			}
			k.send(bind(conn, tt.flags, &pb.Binding{Lost: 3}))
			if got := wait(t, calls); got != tt.want {
				t.Errorf("flags %d: call = %q, want %q", tt.flags, got, tt.want)
			}
		}
		if got := fmt.Sprint(k.host.Capabilities()); got != "[resume]" {
			t.Errorf("Capabilities() = %s, want [resume]", got)
		}
	})
}

func TestMovedWithoutMoverCallsNothing(t *testing.T) {
	k := serve(t, &funcs{connect: func(sdk.Connection) { t.Error("OnConnect was called") }, message: echo})
	k.send(bind(1, link.Moved, nil), bind(2, link.Resumed, nil), data(1, 4, "a"))
	k.next(link.Data)
	k.next(link.Ack)
}

func TestMovedAway(t *testing.T) {
	modes(t, func(t *testing.T, inline bool) {
		conns := make(chan sdk.Connection, 1)
		k := serve(t, &funcs{
			inline:     inline,
			connect:    func(c sdk.Connection) { conns <- c },
			disconnect: func(sdk.Connection, error) { t.Error("OnDisconnect was called") },
		})
		k.send(bind(1, 0, nil), unbind(1, link.Moved, 0))
		k.next(link.Unbind)
		c := wait(t, conns)
		if err := c.Send([]byte("late")); !errors.Is(err, sdk.ErrMoved) {
			t.Errorf("Send() = %v, want ErrMoved", err)
		}
		if err := c.Close(); !errors.Is(err, sdk.ErrMoved) {
			t.Errorf("Close() = %v, want ErrMoved", err)
		}
		c.SetContext("key", 1)
		if c.IsActive() {
			t.Error("IsActive() = true, want false")
		}
		k.quiet()
		k.send(bind(1, 0, nil)) // back again
		if got := wait(t, conns); got.ID() != "1" {
			t.Errorf("ID() = %s, want 1", got.ID())
		}
	})
}

func TestWindowInline(t *testing.T) {
	errs := make(chan error, 10)
	k := serve(t, &funcs{inline: true, message: func(c sdk.Connection, m sdk.Message) { errs <- c.Send(m.Data) }})
	k.send(bind(1, 0, &pb.Binding{WindowMessages: 2, WindowBytes: 10}))
	send := func(payload string, want error) {
		t.Helper()
		k.send(data(1, 0, payload))
		if err := wait(t, errs); !errors.Is(err, want) {
			t.Errorf("Send(%q) = %v, want %v", payload, err, want)
		}
	}
	send("1", nil)
	send("2", nil)
	send("3", sdk.ErrWindow)
	k.send(link.Frame{Kind: link.Written, Conn: 1, Epoch: 1, N: 2, Aux: 2})
	send("longer than the whole window", nil)
	send("4", sdk.ErrWindow)
	k.send(link.Frame{Kind: link.Written, Conn: 1, Epoch: 1, N: 1, Aux: 28})
	send("5", nil)
}

func TestWindowQueuedWaits(t *testing.T) {
	tests := []struct {
		name string
		wake link.Frame
		want error
	}{
		{"written", link.Frame{Kind: link.Written, Conn: 1, Epoch: 1, N: 1, Aux: 1}, nil},
		{"end", unbind(1, 0, link.CauseReset), sdk.ErrClosed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			errs := make(chan error, 2)
			k := serve(t, &funcs{message: func(c sdk.Connection, m sdk.Message) {
				errs <- c.Send([]byte("1"))
				errs <- c.Send([]byte("2"))
			}})
			k.send(bind(1, 0, &pb.Binding{WindowMessages: 1, WindowBytes: 10}), data(1, 0, "go"))
			if err := wait(t, errs); err != nil {
				t.Fatalf("first Send() = %v", err)
			}
			k.next(link.Data) // a Send that waits has flushed
			k.send(tt.wake)
			if err := wait(t, errs); !errors.Is(err, tt.want) {
				t.Errorf("second Send() = %v, want %v", err, tt.want)
			}
		})
	}
}

func TestCloseWakesSend(t *testing.T) {
	conns, errs := make(chan sdk.Connection, 1), make(chan error, 1)
	k := serve(t, &funcs{connect: func(c sdk.Connection) { conns <- c }})
	k.send(bind(1, 0, &pb.Binding{WindowMessages: 1, WindowBytes: 10}))
	c := wait(t, conns)
	if err := c.Send(nil); err != nil {
		t.Fatalf("Send() = %v", err)
	}
	go func() { errs <- c.Send(nil) }()
	k.next(link.Data)
	k.end()
	if err := wait(t, errs); !errors.Is(err, sdk.ErrClosed) {
		t.Errorf("Send() = %v, want ErrClosed", err)
	}
}

func TestClose(t *testing.T) {
	modes(t, func(t *testing.T, inline bool) {
		conns := make(chan sdk.Connection, 1)
		k := serve(t, &funcs{inline: inline, connect: func(c sdk.Connection) { conns <- c }})
		k.send(bind(1, 0, nil))
		c := wait(t, conns)
		for range 2 {
			if err := c.Close(); err != nil {
				t.Errorf("Close() = %v", err)
			}
		}
		if f := k.next(link.Close); f.N != link.CauseNone || f.Conn != 1 || f.Epoch != 1 {
			t.Errorf("CLOSE = %+v, want orderly", f)
		}
		if err := c.Send(nil); !errors.Is(err, sdk.ErrClosed) {
			t.Errorf("Send() = %v, want ErrClosed", err)
		}
		k.send(unbind(1, 0, 0))
		k.next(link.Unbind)
	})
}

func TestPanic(t *testing.T) {
	modes(t, func(t *testing.T, inline bool) {
		k := serve(t, &funcs{inline: inline, message: func(c sdk.Connection, m sdk.Message) {
			if string(m.Data) == "boom" {
				panic("the reason")
			}
			echo(c, m)
		}})
		k.send(bind(1, 0, nil), bind(2, 0, nil), data(1, 0, "boom"))
		if f := k.next(link.Close); f.Conn != 1 || f.N != link.CauseInternal {
			t.Errorf("CLOSE = %+v, want internal", f)
		}
		if f := k.next(link.Ack); f.Conn != 1 || f.Aux != 4 {
			t.Errorf("ACK = %+v, want that of boom", f)
		}
		k.send(data(2, 0, "fine"))
		if f := k.next(link.Data); f.Conn != 2 {
			t.Errorf("DATA = %+v, want that of the other connection", f)
		}
		if s := k.log.String(); !strings.Contains(s, "the reason") || !strings.Contains(s, "life_test.go") {
			t.Errorf("log = %s, want reason and stack", s)
		}
	})
}

func TestContext(t *testing.T) {
	conns := make(chan sdk.Connection, 1)
	k := serve(t, &funcs{connect: func(c sdk.Connection) { conns <- c }})
	k.send(bind(1, 0, &pb.Binding{Context: map[string]*pb.Value{"n": {Kind: &pb.Value_Int{Int: -5}}}}))
	c := wait(t, conns)
	if got := c.GetContext("n"); got != int64(-5) {
		t.Errorf("GetContext(n) = %#v, want -5", got)
	}
	when := time.Unix(1, 0).UTC()
	binary, _ := when.MarshalBinary()
	tests := []struct {
		name       string
		value      any
		kept, wire any // wire is what a successor finds
	}{
		{"bool", true, true, true},
		{"int", 3, 3, int64(3)},
		{"uint8", uint8(3), uint8(3), uint64(3)},
		{"float32", float32(1.5), float32(1.5), 1.5},
		{"string", "s", "s", "s"},
		{"bytes", []byte("b"), []byte("b"), []byte("b")},
		{"marshaler", when, binary, binary},
	}
	for _, tt := range tests {
		c.SetContext(tt.name, tt.value)
		key, value, _, err := link.NextHeader(k.next(link.Context).Headers)
		if err != nil || string(key) != tt.name {
			t.Errorf("%s: CONTEXT of %q, %v", tt.name, key, err)
		}
		var v pb.Value
		if err := proto.Unmarshal(value, &v); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		k.send(bind(uint64(len(tt.name))+100, 0, &pb.Binding{Context: map[string]*pb.Value{"key": &v}}))
		next := wait(t, conns)
		if got := next.GetContext("key"); fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", tt.wire) {
			t.Errorf("%s: a successor finds %#v, want %#v", tt.name, got, tt.wire)
		}
		if got := c.GetContext(tt.name); fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", tt.kept) {
			t.Errorf("%s: GetContext = %#v, want %#v", tt.name, got, tt.kept)
		}
		k.send(unbind(uint64(len(tt.name))+100, 0, 0))
		k.next(link.Unbind)
	}
	c.SetContext("int", nil)
	if _, value, _, _ := link.NextHeader(k.next(link.Context).Headers); len(value) != 0 || c.GetContext("int") != nil {
		t.Errorf("removed key has %q here and %v there", value, c.GetContext("int"))
	}
	type local struct{ n int }
	for range 2 {
		c.SetContext(local{1}, 2)
	}
	k.quiet()
	if c.GetContext(local{1}) != 2 || strings.Count(k.log.String(), "stays in this process") != 1 {
		t.Errorf("local = %v, log = %s, want it kept and logged once", c.GetContext(local{1}), k.log)
	}
}

func TestRooms(t *testing.T) {
	modes(t, func(t *testing.T, inline bool) {
		h := &full{funcs: funcs{inline: inline}}
		k := serve(t, h)
		k.send(bind(0x1f, 0, nil))
		c, ok := h.host.Connection("1f")
		if !ok || c.ID() != "1f" || c.RemoteAddr().String() != "127.0.0.1:4711" || c.LocalAddr().String() != "127.0.0.1:7001" {
			t.Fatalf("Connection(1f) = %v, %v", c, ok)
		}
		if _, ok := h.host.Connection("1e"); ok {
			t.Error("Connection(1e) = true, want false")
		}
		check := func(f link.Frame, op, stream uint64, conn uint64, payload string) {
			t.Helper()
			key, value, _, _ := link.NextHeader(f.Headers)
			if string(key) != "room" || string(value) != "lobby" || f.Aux != op || f.Stream != stream || f.Conn != conn || string(f.Payload) != payload {
				t.Errorf("ROOM = %+v", f)
			}
		}
		if err := h.host.Join(struct{ sdk.Connection }{c}, "lobby"); err != nil {
			t.Errorf("Join() = %v", err)
		}
		check(k.next(link.Room), link.RoomJoin, 0, 0x1f, "")
		if err := h.host.Leave(c, "lobby"); err != nil {
			t.Errorf("Leave() = %v", err)
		}
		check(k.next(link.Room), link.RoomLeave, 0, 0x1f, "")
		big := strings.Repeat("x", link.MaxChunk)
		if err := h.host.Broadcast("lobby", sdk.Message{Data: []byte(big + "y")}, c); err != nil {
			t.Errorf("Broadcast() = %v", err)
		}
		first, second := k.next(link.Room), k.next(link.Room)
		check(first, link.RoomBroadcast, 0x1f, 0, big)
		if first.Flags != link.More || second.Flags != 0 || string(second.Payload) != "y" || len(second.Headers) != 0 {
			t.Errorf("chunks have flags %d and %d", first.Flags, second.Flags)
		}
		if err := h.host.Join(c, ""); err == nil {
			t.Error("Join() of no room = nil, want an error")
		}
		k.send(unbind(0x1f, 0, 0))
		k.next(link.Unbind)
		if err := h.host.Join(c, "lobby"); !errors.Is(err, sdk.ErrClosed) {
			t.Errorf("Join() = %v, want ErrClosed", err)
		}
	})
}

func TestAfterFunc(t *testing.T) {
	modes(t, func(t *testing.T, inline bool) {
		h := &full{funcs: funcs{inline: inline}}
		k := serve(t, h)
		k.send(bind(1, 0, nil), bind(2, 0, nil))
		c1, _ := h.host.Connection("1")
		c2, _ := h.host.Connection("2")
		h.host.AfterFunc(c1, time.Hour, func(sdk.Connection) { t.Error("timer of an ended connection ran") })
		h.host.AfterFunc(c2, time.Millisecond, func(c sdk.Connection) { _ = c.Send([]byte("tick")) })
		if f := k.next(link.Data); f.Conn != 2 || string(f.Payload) != "tick" {
			t.Errorf("DATA = %+v, want tick", f)
		}
		k.send(unbind(1, 0, 0))
		k.next(link.Unbind)
	})
}

func TestSendFromOtherGoroutineInlineIsFlushed(t *testing.T) {
	h := &full{funcs: funcs{inline: true}}
	k := serve(t, h)
	k.send(bind(1, 0, nil))
	c, _ := h.host.Connection("1")
	for range 100 {
		if err := c.Send(nil); err != nil {
			t.Fatalf("Send() = %v", err)
		}
		k.next(link.Data)
	}
}

func TestStartAndStop(t *testing.T) {
	want := errors.New("no database")
	h := &full{startErr: want}
	if _, err := handlerhost.New(h, []byte("{}"), nil); !errors.Is(err, want) {
		t.Errorf("New() = %v, want %v", err, want)
	}
	if h.config != "{}" || h.stopped.Err() == nil {
		t.Errorf("config = %q, context = %v, want {} and an ended context", h.config, h.stopped.Err())
	}
}

func TestAttachSendsWhatWasBroadcastBefore(t *testing.T) {
	h := &full{}
	host, err := handlerhost.New(h, nil, nil)
	if err != nil {
		t.Fatalf("New() = %v", err)
	}
	defer host.Close()
	if err := h.host.Broadcast("lobby", sdk.Message{Data: []byte("up")}, nil); err != nil {
		t.Errorf("Broadcast() = %v", err)
	}
	near, far := link.Pair()
	k := &kernel{t: t, link: near, frames: make(chan link.Frame, 10)}
	done := make(chan struct{})
	go func() { defer close(done); _ = near.Run(k.receive) }()
	served := host.Attach(far)[0]
	go func() { _ = far.Run(receiver(t, served)) }()
	if f := k.next(link.Room); string(f.Payload) != "up" {
		t.Errorf("ROOM = %+v, want up", f)
	}
	near.Close()
	<-done
}

func TestManyConnections(t *testing.T) {
	modes(t, func(t *testing.T, inline bool) {
		const n = 10000
		k := serve(t, &funcs{inline: inline, message: echo})
		for i := uint64(1); i <= n; i++ {
			k.link.Append(new(bind(i, 0, nil)))
			k.link.Append(new(data(i, 0, "hello")))
		}
		k.link.Flush()
		acked := 0
		for acked < n {
			f := wait(t, k.frames)
			if f.Kind == link.Ack || f.Flags&link.Acked != 0 {
				acked++
			}
		}
		if got := k.part.Connections(); got != n {
			t.Errorf("Connections() = %d, want %d", got, n)
		}
	})
}
