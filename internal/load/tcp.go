package load

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
)

// Sizes of tcp connections, in bytes.
const (
	prefix    = 4
	minBuffer = 4 << 10
	maxBuffer = 64 << 10
	// maxReply is what a reply may claim to be: more is taken for another protocol.
	maxReply = 64 << 20
)

// TCP is length32 framing over tcp: a big endian uint32 length and the payload.
type TCP struct{}

var _ Protocol = TCP{}

// Name returns "tcp".
func (TCP) Name() string { return "tcp" }

// Dial connects to address.
func (TCP) Dial(ctx context.Context, address string, shape Shape) (Client, error) {
	var d net.Dialer
	nc, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	size := min(max(shape.Depth*(shape.Size+prefix), minBuffer), maxBuffer)
	return &tcpClient{nc: nc, r: bufio.NewReaderSize(nc, size), w: bufio.NewWriterSize(nc, size)}, nil
}

// tcpClient hands out replies in place where they fit the read buffer.
type tcpClient struct {
	nc     net.Conn
	r      *bufio.Reader
	w      *bufio.Writer
	unused int    // bytes of the reply handed out last, still in r
	large  []byte // a reply larger than r
}

func (c *tcpClient) Send(payload []byte) error {
	if c.w.Available() < prefix {
		if err := c.w.Flush(); err != nil {
			return err
		}
	}
	h := binary.BigEndian.AppendUint32(c.w.AvailableBuffer(), uint32(len(payload)))
	if _, err := c.w.Write(h); err != nil {
		return err
	}
	_, err := c.w.Write(payload)
	return err
}

func (c *tcpClient) Flush() error { return c.w.Flush() }

func (c *tcpClient) Close() error { return c.nc.Close() }

func (c *tcpClient) Receive() ([]byte, error) {
	c.release()
	h, err := c.r.Peek(prefix)
	if err != nil {
		return nil, err
	}
	n := int64(binary.BigEndian.Uint32(h))
	if n > maxReply {
		return nil, fmt.Errorf("%w: length %d", ErrMalformed, n)
	}
	whole := prefix + int(n)
	if whole > c.r.Size() {
		return c.receiveLarge(int(n))
	}
	b, err := c.r.Peek(whole)
	if err != nil {
		return nil, err
	}
	c.unused = whole
	return b[prefix:], nil
}

func (c *tcpClient) receiveLarge(n int) ([]byte, error) {
	if cap(c.large) < n {
		c.large = make([]byte, n)
	}
	if _, err := c.r.Discard(prefix); err != nil {
		return nil, err
	}
	_, err := io.ReadFull(c.r, c.large[:n])
	return c.large[:n], err
}

func (c *tcpClient) release() {
	if c.unused > 0 {
		// Cannot be short: the bytes were peeked.
		_, _ = c.r.Discard(c.unused)
		c.unused = 0
	}
}

func (c *tcpClient) Buffered() bool {
	c.release()
	if c.r.Buffered() < prefix {
		return false
	}
	h, err := c.r.Peek(prefix)
	return err == nil && int64(c.r.Buffered()-prefix) >= int64(binary.BigEndian.Uint32(h))
}
