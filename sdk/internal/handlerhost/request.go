package handlerhost

import (
	"sync"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/link"
)

// A request is a connection as OnMessage sees it for a message of a stream:
// Send answers that stream, also after OnMessage has returned.
type request struct {
	*conn
	stream uint64
	size   uint64
	held   bool // guarded by conn.mu, as is the next field
	over   bool // OnMessage has returned
}

var _ sdk.Holder = (*request)(nil)

func (r *request) Send(data []byte) error {
	return r.conn.send(r.stream, sdk.Message{Type: sdk.MessageTypeBinary, Data: data})
}

func (r *request) SendMessage(msg sdk.Message) error {
	if s := msg.Stream(); s != 0 {
		return r.conn.send(s, msg)
	}
	return r.conn.send(r.stream, msg)
}

func (r *request) Hold() (release func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over || r.held {
		return func() {}
	}
	r.held = true
	return r.releaser(r.stream, r.size)
}

// Hold holds the message of no stream that is being handled.
func (c *conn) Hold() (release func()) {
	if c.host.inline {
		size, ok := c.host.out.keep(c)
		if !ok {
			return func() {}
		}
		return c.releaser(0, size)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.handling || c.held {
		return func() {}
	}
	c.held = true
	return c.releaser(0, c.size)
}

func (c *conn) releaser(stream, size uint64) func() {
	return sync.OnceFunc(func() {
		f := c.ack(stream, size)
		c.mu.Lock()
		if c.state == moved || c.done {
			c.mu.Unlock()
			return
		}
		c.host.out.appendLocked(&f)
		c.mu.Unlock()
		c.host.out.flush()
	})
}

// ack is the frame that acknowledges one message.
func (c *conn) ack(stream, size uint64) link.Frame {
	f := link.Frame{Kind: link.Ack, Conn: c.number, Epoch: c.epoch, Stream: stream, N: 1, Aux: size}
	if stream != 0 {
		f.Flags = link.Done // the reply has ended
	}
	return f
}
