package nethost_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/netcore-go/netcore/sdk"
)

// lineProto frames by lines. With streams a line is NUMBER:TEXT. Options: "greet"
// asks for a first line HELLO before the connection is announced, "wrap"
// announces a connection around the one accepted, "bad" is wrong, "stay" refuses
// to move.
type lineProto struct {
	streams bool
	deaf    bool          // it announces nothing
	ended   chan error    // if not nil, Serve returns what comes
	slow    chan struct{} // if not nil, Quiesce begins when it is closed

	mu    sync.Mutex // guards the field below
	conns []*lineConn
}

var (
	_ sdk.Protocol      = (*lineProto)(nil)
	_ sdk.OptionChecker = (*lineProto)(nil)
	_ sdk.Quiescer      = (*lineConn)(nil)
)

func (p *lineProto) Info() sdk.Info { return sdk.Info{Name: "line", Streams: p.streams} }

func (p *lineProto) CheckOptions(options []byte) error {
	if string(options) == "bad" {
		return &sdk.OptionError{Field: "framing", Err: errors.New("unknown")}
	}
	return nil
}

func (p *lineProto) Serve(ctx context.Context, l net.Listener, kernel sdk.Kernel, options []byte) error {
	var all sync.WaitGroup
	defer func() {
		if p.ended == nil {
			all.Wait()
		}
	}()
	accepted := make(chan error, 1)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				accepted <- err
				return
			}
			all.Go(func() { p.serve(ctx, c, kernel, string(options)) })
		}
	}()
	select {
	case err := <-p.ended:
		l.Close()
		<-accepted
		return err
	case err := <-accepted:
		return err
	}
}

// A wrapped connection stands for a *tls.Conn.
type wrapped struct{ net.Conn }

func (w wrapped) NetConn() net.Conn { return w.Conn }

func (p *lineProto) serve(ctx context.Context, c net.Conn, kernel sdk.Kernel, options string) {
	lc := &lineConn{proto: p, conn: c, stay: options == "stay", over: make(chan struct{}), parked: make(chan struct{}), goOn: make(chan struct{})}
	if r, ok := c.(sdk.Resumed); ok {
		lc.lines, _ = strconv.Atoi(string(r.ResumedState()))
	} else if options == "greet" {
		if line, err := lc.line(); err != nil || line != "HELLO" {
			c.Close()
			return
		}
	}
	if p.deaf {
		_, _ = c.Read(make([]byte, 1)) // returns when the connection is taken away
		c.Close()
		return
	}
	if options == "wrap" {
		c = wrapped{wrapped{c}}
	}
	p.mu.Lock()
	p.conns = append(p.conns, lc)
	p.mu.Unlock()
	s, err := kernel.Open(c, lc)
	if err != nil {
		c.Close()
		return
	}
	drained := context.AfterFunc(ctx, func() { s.Close(nil) })
	defer drained()
	lc.run(s)
}

// conn returns the i-th connection that was announced.
func (p *lineProto) conn(i int) *lineConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i >= len(p.conns) {
		return nil
	}
	return p.conns[i]
}

// A lineConn is one connection: its read loop, and the Peer.
type lineConn struct {
	proto  *lineProto
	conn   net.Conn
	stay   bool
	unread []byte
	lines  int           // delivered
	over   chan struct{} // closed by Close
	cause  error         // of Close, set before
	parked chan struct{} // the loop has stopped for Quiesce
	goOn   chan struct{}

	mu       sync.Mutex // guards the field below
	stopping context.Context
}

func (c *lineConn) line() (string, error) {
	for {
		if i := bytes.IndexByte(c.unread, '\n'); i >= 0 {
			line := string(c.unread[:i])
			c.unread = c.unread[i+1:]
			return line, nil
		}
		var b [4096]byte
		n, err := c.conn.Read(b[:])
		c.unread = append(c.unread, b[:n]...)
		if err != nil && n == 0 {
			return "", err
		}
	}
}

func (c *lineConn) run(s sdk.Session) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for {
		line, err := c.line()
		if stop := c.asked(); stop != nil && errors.Is(err, os.ErrDeadlineExceeded) {
			if !c.park(stop) {
				return
			}
			continue
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			s.Close(err)
			<-c.over
			return
		}
		m := sdk.Message{Type: sdk.MessageTypeBinary, Data: []byte(line), Headers: map[string]string{"remote": c.conn.RemoteAddr().String()}}
		if number, text, ok := strings.Cut(line, ":"); ok && c.proto.streams {
			n, _ := strconv.ParseUint(number, 10, 64)
			m.Data = []byte(text)
			m = m.WithStream(n)
		}
		if s.Deliver(ctx, m) != nil {
			<-c.over
			return
		}
		c.lines++
	}
}

func (c *lineConn) asked() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stopping
}

// park waits while the connection is at rest. It reports whether to go on.
func (c *lineConn) park(stop context.Context) bool {
	select {
	case c.parked <- struct{}{}:
	case <-stop.Done():
		c.unstop()
		return true
	}
	select {
	case <-c.goOn:
		return true
	case <-c.over:
		return false
	}
}

func (c *lineConn) unstop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopping = nil
	_ = c.conn.SetReadDeadline(time.Time{})
}

func (c *lineConn) Quiesce(ctx context.Context) (unread, state []byte, err error) {
	if c.stay {
		return nil, nil, sdk.ErrNotMovable
	}
	if c.proto.slow != nil {
		<-c.proto.slow
	}
	c.mu.Lock()
	c.stopping = ctx
	_ = c.conn.SetReadDeadline(time.Unix(1, 0))
	c.mu.Unlock()
	select {
	case <-c.parked:
		return c.unread, []byte(strconv.Itoa(c.lines)), nil
	case <-ctx.Done():
		c.unstop()
		return nil, nil, sdk.ErrNotMovable
	}
}

func (c *lineConn) Unquiesce() {
	c.unstop()
	c.goOn <- struct{}{}
}

func (c *lineConn) Send(m sdk.Message) error {
	if string(m.Data) == "panic" {
		panic("a message that kills")
	}
	if string(m.Data) == "fail" {
		return fmt.Errorf("encode: %w", sdk.ErrTooLarge)
	}
	_, err := fmt.Fprintf(c.conn, "%s\n", m.Data)
	return err
}

func (c *lineConn) EndReply(stream uint64) { fmt.Fprintf(c.conn, "end %d\n", stream) }

func (c *lineConn) Close(cause error) {
	c.cause = cause
	close(c.over)
}
