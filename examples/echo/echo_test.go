package echo_test

import (
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/netcore-go/netcore/examples/echo"
	"github.com/netcore-go/netcore/sdk"
)

// A conn is a connection whose window has room for a number of messages.
type conn struct {
	window   int
	sent     []string
	last     sdk.Message
	held     int
	released int
	closed   bool
	err      error // what Send returns if it is set
}

func (c *conn) SendMessage(m sdk.Message) error {
	if c.err != nil {
		return c.err
	}
	if c.window == 0 {
		return sdk.ErrWindow
	}
	c.window--
	c.sent, c.last = append(c.sent, string(m.Data)), m
	return nil
}

func (c *conn) Hold() func() {
	c.held++
	return func() { c.released++ }
}

func (c *conn) ID() string                 { return fmt.Sprintf("%p", c) }
func (c *conn) RemoteAddr() net.Addr       { return nil }
func (c *conn) LocalAddr() net.Addr        { return nil }
func (c *conn) Send(data []byte) error     { return c.SendMessage(sdk.Message{Data: data}) }
func (c *conn) Close() error               { c.closed = true; return nil }
func (c *conn) IsActive() bool             { return !c.closed }
func (c *conn) SetContext(_, _ any)        {}
func (c *conn) GetContext(interface{}) any { return nil }

// A host keeps timers until fire.
type host struct {
	sdk.Host
	timers []func()
}

func (h *host) AfterFunc(c sdk.Connection, _ time.Duration, f func(sdk.Connection)) {
	h.timers = append(h.timers, func() { f(c) })
}

func (h *host) fire() {
	timers := h.timers
	h.timers = nil
	for _, f := range timers {
		f()
	}
}

func start(t *testing.T) (*echo.Handler, *host) {
	t.Helper()
	handler, host := &echo.Handler{}, &host{}
	if err := handler.Start(t.Context(), host); err != nil {
		t.Fatalf("Start: %v", err)
	}
	return handler, host
}

func text(s string) sdk.Message { return sdk.Message{Data: []byte(s)} }

func checkSent(t *testing.T, c *conn, want ...string) {
	t.Helper()
	if !slices.Equal(c.sent, want) {
		t.Errorf("sent = %q, want %q", c.sent, want)
	}
}

func TestEchoKeepsTypeHeadersAndStream(t *testing.T) {
	handler, _ := start(t)
	c := &conn{window: 1}
	msg := sdk.Message{
		Type:    sdk.MessageTypeJSON,
		Data:    []byte("{}"),
		Headers: map[string]string{"a": "b"},
	}.WithStream(7)
	handler.OnConnect(c)
	handler.OnMessage(c, msg)
	checkSent(t, c, "{}")
	if got := c.last; got.Type != msg.Type || got.Headers["a"] != "b" || got.Stream() != 7 {
		t.Errorf("sent = %+v, want %+v", got, msg)
	}
	if c.held != 0 {
		t.Errorf("held = %d, want 0", c.held)
	}
}

func TestEchoWaitsForWindow(t *testing.T) {
	handler, host := start(t)
	slow, fast := &conn{window: 1}, &conn{window: 3}
	for _, s := range []string{"1", "2", "3", "4"} {
		handler.OnMessage(slow, text(s))
	}
	handler.OnMessage(fast, text("a"))
	checkSent(t, slow, "1")
	checkSent(t, fast, "a")
	if slow.held != 3 || slow.released != 0 || len(host.timers) != 1 {
		t.Fatalf("held, released, timers = %d, %d, %d, want 3, 0, 1", slow.held, slow.released, len(host.timers))
	}

	slow.window = 2
	host.fire()
	checkSent(t, slow, "1", "2", "3")
	slow.window = 2
	handler.OnMessage(slow, text("5"))
	checkSent(t, slow, "1", "2", "3")
	host.fire()
	checkSent(t, slow, "1", "2", "3", "4", "5")
	if slow.released != slow.held || len(host.timers) != 0 {
		t.Errorf("held, released, timers = %d, %d, %d, want all released, none", slow.held, slow.released, len(host.timers))
	}

	slow.window = 1
	handler.OnMessage(slow, text("6"))
	checkSent(t, slow, "1", "2", "3", "4", "5", "6")
}

func TestDisconnectReleases(t *testing.T) {
	handler, host := start(t)
	c := &conn{}
	handler.OnMessage(c, text("1"))
	handler.OnMessage(c, text("2"))
	handler.OnDisconnect(c, sdk.ErrReset)
	if c.held != 2 || c.released != 2 {
		t.Errorf("held, released = %d, %d, want 2, 2", c.held, c.released)
	}
	host.fire()
	checkSent(t, c)
}

func TestGoneClientIsNotRetried(t *testing.T) {
	handler, host := start(t)
	c := &conn{err: sdk.ErrClosed}
	handler.OnMessage(c, text("1"))
	if c.held != 0 || len(host.timers) != 0 {
		t.Errorf("held, timers = %d, %d, want 0, 0", c.held, len(host.timers))
	}
}

func TestWithoutHostCloses(t *testing.T) {
	c := &conn{}
	(&echo.Handler{}).OnMessage(c, text("1"))
	if !c.closed {
		t.Error("connection is open, want closed")
	}
}

// A sink takes everything and keeps nothing.
type sink struct{ conn }

func (*sink) SendMessage(sdk.Message) error { return nil }

func TestMessageTakesNoMemory(t *testing.T) {
	handler, _ := start(t)
	if !handler.Inline() {
		t.Error("Inline() = false, want true")
	}
	c, msg := &sink{}, text("hello")
	if got := testing.AllocsPerRun(1000, func() { handler.OnMessage(c, msg) }); got != 0 {
		t.Errorf("%v allocations a message, want 0", got)
	}
}

func BenchmarkOnMessage(b *testing.B) {
	handler, c, msg := &echo.Handler{}, &sink{}, text("hello")
	b.ReportAllocs()
	for b.Loop() {
		handler.OnMessage(c, msg)
	}
}
