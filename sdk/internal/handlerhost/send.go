package handlerhost

import (
	"fmt"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/link"
)

// maxHeaders bounds the header block of a message, so that its first frame is
// one.
const maxHeaders = link.MaxFrame - link.HeaderSize - link.MaxChunk

func (c *conn) Send(data []byte) error {
	return c.send(0, sdk.Message{Type: sdk.MessageTypeBinary, Data: data})
}

func (c *conn) SendMessage(msg sdk.Message) error { return c.send(msg.Stream(), msg) }

// send queues a message of stream. It waits while the window is shut, but for
// inline handlers.
func (c *conn) send(stream uint64, msg sdk.Message) error {
	var scratch [256]byte
	f := link.Frame{Kind: link.Data, Type: uint8(msg.Type), Conn: c.number, Epoch: c.epoch, Stream: stream}
	f.Headers = link.AppendHeaders(scratch[:0], msg.Headers)
	if len(f.Headers) > maxHeaders {
		return fmt.Errorf("headers of %d bytes: %w", len(f.Headers), sdk.ErrTooLarge)
	}
	c.mu.Lock()
	if err := c.admitLocked(); err != nil {
		c.mu.Unlock()
		return err
	}
	c.messages++
	c.bytes += uint64(len(msg.Data))
	c.host.out.messageLocked(&f, msg.Data) // all chunks under the lock: messages do not mix
	c.mu.Unlock()
	c.host.out.flush()
	return nil
}

// admitLocked returns nil when a message may start. It lets go of the lock
// while it waits.
func (c *conn) admitLocked() error {
	for {
		if err := c.errLocked(); err != nil {
			return err
		}
		if c.messages < c.windowMessages && c.bytes < c.windowBytes {
			return nil
		}
		if c.host.inline {
			return sdk.ErrWindow
		}
		if c.opens == nil {
			c.opens = make(chan struct{})
		}
		opens := c.opens
		c.mu.Unlock()
		c.host.out.flush() // what was sent before opens the window
		<-opens
		c.mu.Lock()
	}
}

// open takes n messages with together size bytes off what is outstanding.
func (c *conn) open(n uint32, size uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.messages -= min(n, c.messages)
	c.bytes -= min(size, c.bytes)
	if c.messages < c.windowMessages && c.bytes < c.windowBytes {
		c.wakeLocked()
	}
}
