package streamhost

import (
	"fmt"
	"runtime/debug"

	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/internal/part"
	"github.com/netcore-go/netcore/sdk/link"
	pluginpb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// Keepalive of tcp connections, in seconds and probes: a peer that has vanished
// is noticed after two minutes.
const (
	keepaliveIdle     = 60
	keepaliveInterval = 15
	keepaliveCount    = 4
)

// open acts on OPEN: a connection to serve from now on.
func (h *Host) open(f *link.Frame) error {
	fd, err := h.receive(f)
	if err != nil {
		return err
	}
	c, err := h.opened(f, fd)
	if err != nil {
		unix.Close(fd)
		return fmt.Errorf("open connection %d: %w", f.Conn, err)
	}
	tune(fd)
	c.mu.Lock()
	defer c.mu.Unlock()
	h.work.now = h.clock()
	c.heard = h.work.now
	if err := c.openCodecLocked(nil); err != nil {
		c.takeOutputLocked(&h.work)
		c.muteLocked(&h.work, openCause(err), err)
		return nil
	}
	c.moved = true
	c.takeOutputLocked(&h.work)
	h.markDirty(c) // the greeting, and the codec's first state
	c.expectHeartbeatLocked()
	c.watchLocked(&h.work)
	return nil
}

// opened returns the connection of an OPEN, known to the host.
func (h *Host) opened(f *link.Frame, fd int) (*conn, error) {
	var o pluginpb.Open
	if err := proto.Unmarshal(f.Payload, &o); err != nil {
		return nil, err
	}
	l := h.listeners[o.GetListener()]
	if l == nil {
		return nil, fmt.Errorf("listener %d is unknown", o.GetListener())
	}
	c := newConn(h, l, f, fd, &o)
	return c, h.add(c)
}

// newConn returns a connection that nobody else knows yet.
func newConn(h *Host, l *listener, f *link.Frame, fd int, o *pluginpb.Open) *conn {
	return &conn{
		host: h, listener: l, id: f.Conn, epoch: f.Epoch, fd: int32(fd),
		messages: o.GetWindowMessages(), windowBytes: o.GetWindowBytes(),
		stream: *sdk.NewStream(l.localAddr(o.GetLocal()), part.ParseAddr(o.GetRemote()), nil),
	}
}

// openCodecLocked opens the codec; state is nil for a new stream.
func (c *conn) openCodecLocked(state []byte) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{v}
			c.host.log.Error("codec panicked", "connection", c.id, "listener", c.listener.name, "method", "Open",
				"panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		}
	}()
	c.stream = *sdk.NewStream(c.stream.LocalAddr(), c.stream.RemoteAddr(), state)
	codec, err := c.listener.protocol.Open(&c.stream)
	if err != nil {
		return err
	}
	c.stream.Opened()
	c.codec = codec
	_, c.saver = codec.(sdk.StateSaver)
	_, c.pinger = codec.(sdk.Pinger)
	return nil
}

// tune sets what a tcp socket needs. A connection that TLS was taken off is a
// unix socket, which knows none of this.
func tune(fd int) {
	if unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) != nil {
		return
	}
	// Best effort: a connection without keepalive is a connection.
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, keepaliveIdle)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, keepaliveInterval)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPCNT, keepaliveCount)
}
