package streamhost

import (
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/link"
)

// A phase is a station in the life of a connection; see the package's
// documentation.
type phase uint8

const (
	serving phase = iota
	adopted
	prepared
	closing
	lingering
	gone
)

// A conn is one connection. It is kept small: an idle one is this struct, its
// codec and its remote address.
type conn struct {
	host     *Host
	loop     *loop
	listener *listener
	id       uint64
	// due is when the sweeper looks at the connection next, 0 for not at all.
	// It is written with mu held.
	due atomic.Int64

	mu     sync.Mutex // guards the fields below
	codec  sdk.Codec  // nil if Open refused
	stream sdk.Stream
	in     *buffer   // unread bytes, nil if none
	out    *buffer   // unsent bytes, nil if none
	parts  *assembly // outbound messages that have not arrived whole
	state  string    // the codec state that the kernel has

	// Offsets of the two byte streams. Those of the kernel are what it was
	// told last.
	used, kernelUsed       uint64 // by the codec
	written, kernelWritten uint64

	need        int    // Decode wants this many unread bytes
	unreported  uint32 // messages encoded since the last WRITTEN
	outstanding uint32 // messages that are with the kernel
	messages    uint32 // the window for them
	cause       link.Cause
	outBytes    uint64 // bytes that are with the kernel
	windowBytes uint64 // the window for them

	// Times of the host's clock, 0 for not set.
	heard    int64 // bytes came
	pinged   int64 // a ping was sent, and nothing came since
	begun    int64 // the unread bytes began
	stalled  int64 // the socket took nothing since
	deadline int64 // of closing, of lingering, and of telling the cause

	fd         int32
	epoch      uint32
	interest   uint32 // events that epoll watches for
	phase      phase
	registered bool // in the loop's epoll set
	saver      bool // the codec is an sdk.StateSaver
	pinger     bool // the codec is an sdk.Pinger
	ended      bool // the peer has ended its direction
	endTold    bool // and the kernel knows
	causeTold  bool // the kernel knows the cause
	broken     bool // the socket is of no use any more
	mute       bool // nothing more is encoded
	stopped    bool // not decoding: window or budget are shut
	starved    bool // in the budget's list
	waiting    bool // for the socket to take more
	moved      bool // bytes were used since the codec's state was looked at
	isDirty    bool // in the host's list
	isWoken    bool // in the host's list
}

// windowOpenLocked reports whether another message may go to the kernel.
func (c *conn) windowOpenLocked() bool {
	return c.outstanding < c.messages && c.outBytes < c.windowBytes && !c.host.budget.shut.Load()
}

// stopLocked remembers that decoding has to go on when the kernel has caught up.
func (c *conn) stopLocked() {
	c.stopped = true
	c.begun = 0 // it is not the peer who keeps us waiting
	if c.host.budget.shut.Load() && !c.starved {
		c.starved = true
		c.host.budget.starve(c)
	}
}

// acknowledgeLocked opens the window.
func (c *conn) acknowledgeLocked(messages uint32, bytes uint64) {
	messages, bytes = min(messages, c.outstanding), min(bytes, c.outBytes)
	c.outstanding -= messages
	c.outBytes -= bytes
	c.host.budget.give(int64(bytes))
}

// sendLocked queues a frame of this connection for the kernel.
func (c *conn) sendLocked(f *link.Frame) {
	f.Conn, f.Epoch = c.id, c.epoch
	c.host.link.Append(f)
}

// unread is how many bytes were read and not used.
func (c *conn) unread() int {
	if c.in == nil {
		return 0
	}
	return len(c.in.b)
}

func (c *conn) dropInputLocked() {
	c.host.buffers.put(c.in)
	c.in, c.need, c.begun = nil, 0, 0
}

func (c *conn) dropOutputLocked() {
	c.host.buffers.put(c.out)
	c.out, c.waiting, c.stalled, c.unreported = nil, false, 0, 0
}

// forgetLocked closes the descriptor, without shutdown, and lets go of all that
// the connection holds.
func (c *conn) forgetLocked() {
	if c.phase == gone {
		return
	}
	c.unwatchLocked()
	c.phase = gone
	c.dropInputLocked()
	c.dropOutputLocked()
	c.dropPartsLocked()
	c.acknowledgeLocked(c.outstanding, c.outBytes)
	unix.Close(int(c.fd))
	c.fd = -1
	c.due.Store(0)
	c.codec, c.stream = nil, sdk.Stream{}
	c.host.remove(c)
}
