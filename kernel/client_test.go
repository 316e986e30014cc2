package kernel_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A client speaks the frames protocol. What it sends and gets is counted.
type client struct {
	net.Conn
	r                        *bufio.Reader
	sent, got                int64 // messages
	sentBytes, gotBytes, num int64
}

func dial(t *testing.T, addr string) *client {
	t.Helper()
	c, err := dialFrom("", addr)
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func dialFrom(source, addr string) (*client, error) {
	d := net.Dialer{Timeout: patience}
	if source != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(source)}
	}
	conn, err := d.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(2 * patience))
	return &client{Conn: conn, r: bufio.NewReader(conn)}, nil
}

func frameOf(msg []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(msg))), msg...)
}

func (c *client) send(msg string) error {
	b := frameOf([]byte(msg))
	n, err := c.Write(b)
	c.sentBytes += int64(n)
	if err == nil {
		c.sent++
	}
	return err
}

func (c *client) receive() (string, error) {
	var head [4]byte
	if _, err := io.ReadFull(c.r, head[:]); err != nil {
		return "", err
	}
	msg := make([]byte, binary.BigEndian.Uint32(head[:]))
	if _, err := io.ReadFull(c.r, msg); err != nil {
		return "", fmt.Errorf("half a message: %w", errors.Join(err, io.ErrUnexpectedEOF))
	}
	c.got++
	c.gotBytes += int64(4 + len(msg))
	return string(msg), nil
}

// ask sends msg and returns the answer.
func (c *client) ask(msg string) (string, error) {
	if err := c.send(msg); err != nil {
		return "", err
	}
	return c.receive()
}

// echo has the next message come back.
func (c *client) echo() error {
	c.num++
	want := fmt.Sprintf("message %d of %v", c.num, c.LocalAddr())
	got, err := c.ask(want)
	if err == nil && got != want {
		return &wrongError{got, want}
	}
	return err
}

// A wrongError is an answer that is not the one.
type wrongError struct{ got, want string }

func (e *wrongError) Error() string { return fmt.Sprintf("got %q, want %q", e.got, e.want) }

func mustAsk(t *testing.T, c *client, msg, want string) {
	t.Helper()
	got, err := c.ask(msg)
	if err != nil || got != want {
		t.Fatalf("answer to %q = %q, %v, want %q", msg, got, err, want)
	}
}

func mustEcho(t *testing.T, clients ...*client) {
	t.Helper()
	for i, c := range clients {
		if err := c.echo(); err != nil {
			t.Fatalf("client %d of %d: %v", i, len(clients), err)
		}
	}
}

// A crowd is clients that talk at once, each waiting for its answer before it
// goes on.
type crowd struct {
	clients []*client
	errs    []error // why each has ended; nil if it was stopped
	quit    chan struct{}
	once    sync.Once
	wg      sync.WaitGroup
	rounds  atomic.Int64
	ended   atomic.Int64 // clients with an error
}

func dialAll(t *testing.T, addr string, n int) []*client {
	t.Helper()
	all := make([]*client, n)
	for i := range all {
		all[i] = dial(t, addr)
	}
	return all
}

// talk has n clients talk until the crowd is stopped.
func talk(t *testing.T, addr string, n int) *crowd {
	t.Helper()
	c := &crowd{clients: dialAll(t, addr, n), errs: make([]error, n), quit: make(chan struct{})}
	for i := range c.clients {
		c.wg.Go(func() {
			if c.errs[i] = c.speak(c.clients[i]); c.errs[i] != nil {
				c.ended.Add(1)
			}
		})
	}
	t.Cleanup(func() { c.stop() })
	c.further(t)
	return c
}

func (c *crowd) speak(cl *client) error {
	for {
		select {
		case <-c.quit:
			return nil
		case <-time.After(time.Millisecond):
		}
		if err := cl.echo(); err != nil {
			return err
		}
		c.rounds.Add(1)
	}
}

// further waits until the crowd has talked a good deal more.
func (c *crowd) further(t *testing.T) {
	t.Helper()
	target := c.rounds.Load() + int64(4*len(c.clients))
	eventually(t, func() error {
		if n := c.rounds.Load(); n < target && int(c.ended.Load()) < len(c.clients)/2 {
			return fmt.Errorf("%d rounds, want %d; %d clients have ended", n, target, c.ended.Load())
		}
		return nil
	})
	if c.ended.Load() >= int64(len(c.clients)+1)/2 {
		c.stop()
		t.Fatalf("too many clients have ended: %v", errors.Join(c.errs...))
	}
}

func (c *crowd) stop() {
	c.once.Do(func() { close(c.quit) })
	c.wg.Wait()
}

// unharmed stops the crowd and fails the test unless all answers were right and
// nobody was cut off.
func (c *crowd) unharmed(t *testing.T) {
	t.Helper()
	c.stop()
	for i, err := range c.errs {
		if err != nil {
			t.Errorf("client %d (%v): %v", i, c.clients[i].LocalAddr(), err)
		}
	}
}

// harmed stops the crowd and fails the test if more than limit clients were cut
// off, or any got a wrong answer or none.
func (c *crowd) harmed(t *testing.T, limit int) {
	t.Helper()
	c.stop()
	n := 0
	for i, err := range c.errs {
		if err != nil {
			n++
		}
		if err != nil && !closed(err) {
			t.Errorf("client %d (%v): %v", i, c.clients[i].LocalAddr(), err)
		}
	}
	if n > limit {
		t.Errorf("%d clients were cut off, want at most %d: %v", n, limit, errors.Join(c.errs...))
	}
}

// closed reports whether err is what a client sees whose connection was closed.
func closed(err error) bool {
	var wrong *wrongError
	var timeout net.Error
	return err != nil && !errors.As(err, &wrong) && !(errors.As(err, &timeout) && timeout.Timeout())
}
