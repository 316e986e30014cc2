package sdktest

import (
	"context"
	"sync"

	"github.com/netcore-go/netcore/sdk"
)

// A spy stands around a handler and notes the calls. It has each optional
// interface, and does with it what the runtime would for a handler without.
type spy struct {
	inner sdk.MessageHandler

	mu       sync.Mutex // guards the fields below
	calls    map[string][]string
	conns    map[string]sdk.Connection
	ends     map[string]error // of OnDisconnect
	returned int              // calls of OnMessage
	hold     bool             // hold each message
	releases []func()
	panics   bool // panic at the next message
}

var (
	_ sdk.Inline     = (*spy)(nil)
	_ sdk.Starter    = (*spy)(nil)
	_ sdk.Configurer = (*spy)(nil)
	_ sdk.Mover      = (*spy)(nil)
	_ sdk.Resumer    = (*spy)(nil)
)

func newSpy(inner sdk.MessageHandler) *spy {
	return &spy{inner: inner, calls: make(map[string][]string), conns: make(map[string]sdk.Connection), ends: make(map[string]error)}
}

func (s *spy) note(c sdk.Connection, call string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[c.ID()] = append(s.calls[c.ID()], call)
	s.conns[c.ID()] = c
}

// of returns the calls for a connection.
func (s *spy) of(c *Client) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.calls[c.id()]...)
}

// conn is the connection as the handler was given it.
func (s *spy) conn(c *Client) sdk.Connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns[c.id()]
}

func (s *spy) Inline() bool {
	in, ok := s.inner.(sdk.Inline)
	return ok && in.Inline()
}

func (s *spy) Configure(config []byte) error {
	if c, ok := s.inner.(sdk.Configurer); ok {
		return c.Configure(config)
	}
	return nil
}

func (s *spy) Start(ctx context.Context, host sdk.Host) error {
	if st, ok := s.inner.(sdk.Starter); ok {
		return st.Start(ctx, host)
	}
	return nil
}

func (s *spy) OnConnect(c sdk.Connection) {
	s.note(c, "connect")
	s.inner.OnConnect(c)
}

func (s *spy) OnMessage(c sdk.Connection, m sdk.Message) {
	s.note(c, "message")
	s.mu.Lock()
	if s.hold {
		s.releases = append(s.releases, sdk.Hold(c))
	}
	panics := s.panics
	s.panics = false
	s.mu.Unlock()
	if panics {
		panic("sdktest: a handler panics")
	}
	s.inner.OnMessage(c, m)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.returned++
}

func (s *spy) OnDisconnect(c sdk.Connection, err error) {
	s.note(c, "disconnect")
	s.mu.Lock()
	s.ends[c.ID()] = err
	s.mu.Unlock()
	s.inner.OnDisconnect(c, err)
}

func (s *spy) OnMoved(c sdk.Connection) {
	s.note(c, "moved")
	if m, ok := s.inner.(sdk.Mover); ok {
		m.OnMoved(c)
	}
}

func (s *spy) OnResume(c sdk.Connection, lost int) {
	s.note(c, "resume")
	if r, ok := s.inner.(sdk.Resumer); ok {
		r.OnResume(c, lost)
	} else if m, ok := s.inner.(sdk.Mover); ok {
		m.OnMoved(c)
	}
}
