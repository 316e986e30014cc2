package testplugins

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/netcore-go/netcore/sdk"
)

var errOver = errors.New("the connection is over")

// An askConn is one connection of Ask: its reader, and its [sdk.Peer].
type askConn struct {
	conn   net.Conn
	unread []byte        // of the reader; of Quiesce while the reader is parked
	over   chan struct{} // closed by Close
	parked chan struct{} // sent to by the reader, which has stopped for Quiesce
	goOn   chan struct{} // sent to when it may go on

	mu       sync.Mutex // guards the field below
	quiesced context.Context
}

var _ sdk.Quiescer = (*askConn)(nil)

func newAskConn(conn net.Conn) *askConn {
	return &askConn{conn: conn, over: make(chan struct{}), parked: make(chan struct{}), goOn: make(chan struct{})}
}

// read delivers requests until the connection ends.
func (c *askConn) read(s sdk.Session) error {
	for {
		line, err := c.line()
		if stop := c.stop(); stop != nil && errors.Is(err, os.ErrDeadlineExceeded) {
			if err := c.park(stop); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		number, text, ok := bytes.Cut(line, []byte(" "))
		n, err := strconv.ParseUint(string(number), 10, 64)
		if err != nil || !ok || n == 0 {
			return fmt.Errorf("%w: %.40q is no request", sdk.ErrProtocol, line)
		}
		m := sdk.Message{Type: sdk.MessageTypeText, Data: text}.WithStream(n)
		if err := s.Deliver(context.Background(), m); err != nil {
			return errOver
		}
	}
}

// line returns the next line; what is no line yet stays in unread.
func (c *askConn) line() ([]byte, error) {
	for {
		if i := bytes.IndexByte(c.unread, '\n'); i >= 0 {
			line := c.unread[:i]
			c.unread = c.unread[i+1:]
			return line, nil
		}
		if len(c.unread) > maxLine {
			return nil, fmt.Errorf("%w: line of more than %d bytes", sdk.ErrTooLarge, maxLine)
		}
		var b [512]byte
		n, err := c.conn.Read(b[:])
		c.unread = append(c.unread, b[:n]...)
		if err != nil {
			return nil, err
		}
	}
}

func (c *askConn) stop() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.quiesced
}

// park keeps the reader still for Quiesce.
func (c *askConn) park(stop context.Context) error {
	select {
	case c.parked <- struct{}{}:
	case <-c.over:
		return errOver
	case <-stop.Done():
		c.unstop()
		return nil
	}
	select {
	case <-c.goOn:
		return nil
	case <-c.over:
		return errOver
	}
}

func (c *askConn) unstop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.quiesced = nil
	_ = c.conn.SetReadDeadline(time.Time{}) // of a closed connection the reader learns
}

// Quiesce stops the reader; see [sdk.Quiescer].
func (c *askConn) Quiesce(ctx context.Context) (unread, state []byte, err error) {
	c.mu.Lock()
	c.quiesced = ctx
	_ = c.conn.SetReadDeadline(time.Unix(1, 0)) // of a closed connection the reader learns
	c.mu.Unlock()
	select {
	case <-c.parked:
		return c.unread, nil, nil
	case <-ctx.Done():
		c.unstop()
		return nil, nil, sdk.ErrNotMovable
	}
}

// Unquiesce lets the reader go on.
func (c *askConn) Unquiesce() {
	c.unstop()
	c.goOn <- struct{}{}
}

// Send writes a reply.
func (c *askConn) Send(m sdk.Message) error {
	_, err := fmt.Fprintf(c.conn, "%d %s\n", m.Stream(), m.Data)
	return err
}

// EndReply writes the end of the replies.
func (c *askConn) EndReply(stream uint64) {
	_, _ = fmt.Fprintf(c.conn, "%d .\n", stream) // the reader learns of the end
}

// Close lets the reader end.
func (c *askConn) Close(error) { close(c.over) }
