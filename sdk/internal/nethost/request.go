package nethost

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/internal/part"
	"github.com/netcore-go/netcore/sdk/link"
	pluginpb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
	"google.golang.org/protobuf/proto"
)

// A kernel is the [sdk.Kernel] of one listener.
type kernel struct{ l *listener }

var _ sdk.Kernel = kernel{}

var errNotOurs = errors.New("the connection is not one that Accept has returned, nor has it a NetConn method that leads to one")

// Open announces conn; see [sdk.Kernel]. conn may wrap what Accept has returned
// if it has a NetConn method, as a *tls.Conn has.
func (k kernel) Open(conn net.Conn, p sdk.Peer) (sdk.Session, error) {
	c := ours(conn)
	if c == nil {
		return nil, errNotOurs
	}
	if err := c.session.opened(p); err != nil {
		return nil, err
	}
	c.session.host.flush()
	return c.session, nil
}

// opened gives the session its peer.
func (s *session) opened(p sdk.Peer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.peer != nil:
		return fmt.Errorf("connection %s is open already", s.id)
	case s.gone || s.conn.isDown():
		return sdk.ErrClosed
	}
	s.peer = p
	if s.station == offered {
		s.readyLocked()
	}
	s.kickLocked()
	return nil
}

// A request is an OPEN_REQUEST without an answer.
type request struct {
	listener *listener
	peer     sdk.Peer
	answer   chan answer // capacity 1: whoever takes the request out of the table sends once
}

type answer struct {
	session *session
	err     error
}

// Request asks for a connection; see [sdk.Kernel]. The peer's methods may be
// called before it has returned.
func (k kernel) Request(ctx context.Context, local, remote net.Addr, key string, p sdk.Peer) (sdk.Session, error) {
	payload, err := proto.Marshal(&pluginpb.OpenRequest{
		Listener: k.l.cfg.GetIndex(), Local: part.FormatAddr(local), Remote: part.FormatAddr(remote), Key: key,
	})
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	h := k.l.host
	r := &request{listener: k.l, peer: p, answer: make(chan answer, 1)}
	token, err := h.ask(r)
	if err != nil {
		return nil, err
	}
	h.env.Link.Append(&link.Frame{Kind: link.OpenRequest, Stream: token, Payload: payload})
	h.env.Link.FlushLater()
	select {
	case a := <-r.answer:
		return a.get()
	case <-ctx.Done():
	}
	if h.take(token) == nil {
		return (<-r.answer).get() // it came at the same time
	}
	return nil, ctx.Err()
}

func (a answer) get() (sdk.Session, error) {
	if a.err != nil {
		return nil, a.err
	}
	return a.session, nil
}

// ask keeps r under a new token.
func (h *Host) ask(r *request) (token uint64, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return 0, sdk.ErrClosed
	}
	h.token++
	h.requests[h.token] = r
	return h.token, nil
}

// take returns the request with that token, nil if it was given up.
func (h *Host) take(token uint64) *request {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.requests[token]
	delete(h.requests, token)
	return r
}

// admitted takes OPEN for a request.
func (h *Host) admitted(f *link.Frame) error {
	s, err := h.announced(f, new(pluginpb.Open))
	if err != nil {
		return err
	}
	r := h.take(f.Stream)
	if r == nil {
		s.reject(link.CauseNone)
		return nil
	}
	s.listener, s.peer = r.listener, r.peer
	if err := h.keep(s); err != nil {
		r.answer <- answer{err: sdk.ErrClosed}
		return err
	}
	r.answer <- answer{session: s}
	return nil
}

// refused takes REFUSE.
func (h *Host) refused(f *link.Frame) {
	r := h.take(f.Stream)
	if r == nil {
		return
	}
	err := sdk.ErrRefused
	if cause := link.CauseError(f.N); cause != nil && !errors.Is(cause, sdk.ErrRefused) {
		err = fmt.Errorf("%w: %w", sdk.ErrRefused, cause)
	}
	r.answer <- answer{err: err}
}
