package nethost

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/internal/part"
	pluginpb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// A conn is a kernel's connection as Accept returns it. It knows its session,
// and counts what passes.
type conn struct {
	net.Conn
	session       *session
	local, remote net.Addr
	consumed      atomic.Uint64
	written       atomic.Uint64
	ended         atomic.Bool   // the peer has ended its direction
	gate          chan struct{} // closed by COMMIT; nil if there is nothing to wait for
	down          chan struct{} // closed when the protocol closes or the kernel takes it away
	once          sync.Once     // closes down
	released      sync.Once     // closes the descriptor
}

func newConn(s *session, raw net.Conn, o *pluginpb.Open) *conn {
	return &conn{
		Conn: raw, session: s, down: make(chan struct{}),
		// The descriptor may be one end of a socketpair.
		local: part.ParseAddr(o.GetLocal()), remote: part.ParseAddr(o.GetRemote()),
	}
}

func (c *conn) LocalAddr() net.Addr  { return c.local }
func (c *conn) RemoteAddr() net.Addr { return c.remote }

// own tells our connections from others.
func (c *conn) own() *conn { return c }

func (c *conn) Read(b []byte) (int, error) {
	if err := c.pass(); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(b)
	c.consumed.Add(uint64(n))
	if err == io.EOF && !c.isDown() {
		c.ended.Store(true)
	}
	return n, c.fault(err)
}

func (c *conn) Write(b []byte) (int, error) {
	if err := c.pass(); err != nil {
		return 0, err
	}
	n, err := c.Conn.Write(b)
	c.written.Add(uint64(n))
	return n, c.fault(err)
}

// CloseWrite ends the outbound direction.
func (c *conn) CloseWrite() error {
	if err := c.pass(); err != nil {
		return err
	}
	if h, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return c.fault(h.CloseWrite())
	}
	return errors.ErrUnsupported
}

// Close tells the kernel that the connection has ended, unless the session did.
func (c *conn) Close() error {
	if !c.takeDown() {
		return net.ErrClosed
	}
	c.session.connClosed()
	return nil
}

// pass waits until the connection is ours. Nothing may be written before that
// either: the predecessor may get it back.
func (c *conn) pass() error {
	if c.gate != nil {
		select {
		case <-c.gate:
		case <-c.down:
		}
	}
	if c.isDown() {
		return net.ErrClosed
	}
	return nil
}

// fault hides that the end of a connection begins with a shutdown.
func (c *conn) fault(err error) error {
	if err != nil && c.isDown() {
		return net.ErrClosed
	}
	return err
}

func (c *conn) isDown() bool {
	select {
	case <-c.down:
		return true
	default:
		return false
	}
}

// takeDown ends all calls. It reports whether it was the first to do so.
func (c *conn) takeDown() (first bool) {
	c.once.Do(func() {
		close(c.down)
		first = true
	})
	return first
}

// release closes the descriptor, after a shutdown if hang is set.
func (c *conn) release(hang bool) {
	c.takeDown()
	c.released.Do(func() {
		if hang {
			hangUp(c.Conn)
		}
		_ = c.Conn.Close() // the kernel's copy decides
	})
}

// A resumedConn is a conn of a predecessor.
type resumedConn struct {
	*conn
	state []byte

	mu     sync.Mutex // guards the field below
	unread []byte
}

var _ sdk.Resumed = (*resumedConn)(nil)

func newResumedConn(s *session, raw net.Conn, o *pluginpb.Offer) *resumedConn {
	r := o.GetRecord()
	c := newConn(s, raw, o.GetOpen())
	c.gate = make(chan struct{})
	c.consumed.Store(r.GetConsumed())
	c.written.Store(r.GetWritten())
	c.ended.Store(r.GetInputEnded())
	return &resumedConn{conn: c, state: r.GetState(), unread: r.GetUnread()}
}

// ResumedState is the state that the predecessor's Quiesce returned.
func (r *resumedConn) ResumedState() []byte { return r.state }

// Read returns first what the predecessor has left over.
func (r *resumedConn) Read(b []byte) (int, error) {
	if err := r.pass(); err != nil {
		return 0, err
	}
	r.mu.Lock()
	n := copy(b, r.unread)
	r.unread = r.unread[n:]
	r.mu.Unlock()
	if n > 0 || len(b) == 0 {
		return n, nil
	}
	return r.conn.Read(b)
}

// ours finds the connection of ours that c is or wraps, or nil.
func ours(c net.Conn) *conn {
	for {
		switch x := c.(type) {
		case interface{ own() *conn }:
			return x.own()
		case interface{ NetConn() net.Conn }:
			c = x.NetConn()
		default:
			return nil
		}
	}
}
