package handlerhost

import (
	"net"
	"sync"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/internal/part"
	"github.com/netcore-go/netcore/sdk/link"
)

// A state is how far a connection has come.
//
//	active ─▶ closing ─▶ ended
//	   │         └─────▶ moved
//	   └───────────────▶ ended or moved
type state uint8

const (
	active  state = iota
	closing       // the handler has closed it
	ended         // the kernel said so
	moved         // another instance has it
)

// A conn is a connection bound to the host. There may be very many that are
// idle: what few need is in maps that do not exist until then.
type conn struct {
	host           *shard
	number         uint64
	epoch          uint32
	windowMessages uint32
	windowBytes    uint64
	local, remote  string

	parts map[uint64]*item // messages that are not whole, by stream; of the link's reader

	// mu guards the fields below. It is own, or for an inline handler, which
	// runs one call at a time anyway, the output's: one lock for each Send.
	mu          *sync.Mutex
	own         sync.Mutex
	state       state
	opened      bool // OnConnect or what came in its place has returned
	waiting     bool // the end waits for streams
	done        bool // the end has been handled
	handling    bool // OnMessage of a queued handler runs for a message of no stream
	held        bool // which was held
	size        uint64
	messages    uint32        // outstanding
	bytes       uint64        // outstanding
	opens       chan struct{} // closed when the window opens or the connection ends; nil if nobody waits
	main        lane
	streams     map[uint64]*lane
	values      map[any]value
	contextSize int // of values in the kernel
	timers      map[*timer]struct{}
}

var (
	_ sdk.Connection = (*conn)(nil)
	_ sdk.Holder     = (*conn)(nil)
)

func (c *conn) ID() string { return link.FormatID(c.number) }

func (c *conn) LocalAddr() net.Addr { return part.ParseAddr(c.local) }

func (c *conn) RemoteAddr() net.Addr { return part.ParseAddr(c.remote) }

func (c *conn) IsActive() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state == active
}

func (c *conn) Close() error { return c.close(link.CauseNone) }

func (c *conn) close(cause link.Cause) error {
	c.mu.Lock()
	switch c.state {
	case moved:
		c.mu.Unlock()
		return sdk.ErrMoved
	case closing, ended:
		c.mu.Unlock()
		return nil
	}
	c.state = closing
	c.wakeLocked()
	c.host.out.appendLocked(&link.Frame{Kind: link.Close, Conn: c.number, Epoch: c.epoch, N: cause})
	c.mu.Unlock()
	c.host.out.flush()
	return nil
}

// errLocked returns why nothing can be sent, or nil.
func (c *conn) errLocked() error {
	switch c.state {
	case active:
		return nil
	case moved:
		return sdk.ErrMoved
	}
	return sdk.ErrClosed
}

// endLocked makes the connection one that is over for this instance.
func (c *conn) endLocked(s state) {
	c.state = s
	c.wakeLocked()
	for t := range c.timers {
		t.Stop()
	}
	c.timers = nil
}

// wakeLocked has everybody who waits in Send look again.
func (c *conn) wakeLocked() {
	if c.opens != nil {
		close(c.opens)
		c.opens = nil
	}
}
