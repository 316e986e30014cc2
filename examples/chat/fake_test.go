package chat_test

import (
	"net"
	"slices"
	"testing"

	"github.com/netcore-go/netcore/examples/chat"
	"github.com/netcore-go/netcore/sdk"
)

// A server is a fake kernel: rooms, and connections with their context. It
// outlasts handlers, as the kernel does.
type server struct {
	sdk.Host
	t       *testing.T
	handler *chat.Handler
	rooms   map[string][]*client
	err     error // what Join and Broadcast return if it is set
}

func start(t *testing.T, handler *chat.Handler) *server {
	t.Helper()
	s := &server{t: t, rooms: make(map[string][]*client)}
	s.swap(handler)
	return s
}

// swap replaces the handler; connections and rooms stay.
func (s *server) swap(handler *chat.Handler) {
	s.t.Helper()
	if err := handler.Start(s.t.Context(), s); err != nil {
		s.t.Fatalf("Start: %v", err)
	}
	s.handler = handler
}

func (s *server) Join(conn sdk.Connection, room string) error {
	if s.err != nil {
		return s.err
	}
	s.rooms[room] = append(s.rooms[room], conn.(*client))
	return nil
}

func (s *server) Leave(conn sdk.Connection, room string) error {
	s.rooms[room] = slices.DeleteFunc(s.rooms[room], func(c *client) bool { return c == conn })
	return nil
}

func (s *server) Broadcast(room string, msg sdk.Message, except sdk.Connection) error {
	if s.err != nil {
		return s.err
	}
	for _, c := range s.rooms[room] {
		if c != except {
			_ = c.SendMessage(msg)
		}
	}
	return nil
}

// A client is a connection and what its peer has received.
type client struct {
	server  *server
	got     []string
	context map[string]string
	closed  bool
}

// connect connects a client that says lines.
func (s *server) connect(lines ...string) *client {
	c := &client{server: s, context: make(map[string]string)}
	s.handler.OnConnect(c)
	for _, line := range lines {
		c.say(line)
	}
	return c
}

func (c *client) say(line string) {
	c.server.handler.OnMessage(c, sdk.Message{Data: []byte(line)})
}

func (c *client) disconnect(err error) {
	for room := range c.server.rooms {
		_ = c.server.Leave(c, room)
	}
	c.closed = true
	c.server.handler.OnDisconnect(c, err)
}

// take returns what was received since the last call.
func (c *client) take() []string {
	got := c.got
	c.got = nil
	return got
}

func (c *client) SendMessage(m sdk.Message) error {
	if c.closed {
		return sdk.ErrClosed
	}
	if m.Type != sdk.MessageTypeText {
		c.server.t.Errorf("type of %q = %v, want text", m.Data, m.Type)
	}
	c.got = append(c.got, string(m.Data))
	return nil
}

func (c *client) SetContext(key, value any) { c.context[key.(string)] = value.(string) }

func (c *client) GetContext(key any) any {
	if v, ok := c.context[key.(string)]; ok {
		return v
	}
	return nil
}

func (c *client) ID() string             { return "" }
func (c *client) RemoteAddr() net.Addr   { return nil }
func (c *client) LocalAddr() net.Addr    { return nil }
func (c *client) Send(data []byte) error { return c.SendMessage(sdk.Message{Data: data}) }
func (c *client) Close() error           { c.closed = true; return nil }
func (c *client) IsActive() bool         { return !c.closed }
