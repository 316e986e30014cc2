package sdktest

import (
	"bytes"
	"net"

	"golang.org/x/sys/unix"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/link"
	pb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// listenerIndex is the number of the one listener that plugins are given.
const listenerIndex = 0

// The windows of a connection, each way, unless a test wants others.
const (
	windowMessages = 256
	windowBytes    = 256 << 10
)

// A Conn is a client's connection that a protocol plugin serves.
type Conn struct {
	k  *Kernel
	ID uint64
	// Client is the client's end. Those of packet sockets have none.
	Client *net.TCPConn

	fd          int // the kernel's copy, -1 if there is none
	owner       *Instance
	epoch, last uint32
	echo        bool
	messages    uint32 // window for messages to the kernel
	bytes       uint64

	// The way in.
	heard       []sdk.Message
	parts       map[uint64]*sdk.Message
	outMessages uint32 // with the kernel
	outBytes    uint64
	end         uint64 // offset behind the last message or state
	rest, state []byte

	// The way out.
	queue     []outgoing
	unwritten []int // sizes of the messages that the plugin has
	written   uint64

	// Moving and the end.
	answer     *link.Frame // to PREPARE or OFFER
	offerTo    *Instance
	offerEpoch uint32
	leaving    bool // PREPARE was sent
	resting    bool // PREPARED has come
	inputEnded bool
	cause      link.Cause
	closing    bool // CLOSE is to be sent when the queue is empty
	closeSent  bool
	done       int  // CLOSE with DONE that have come
	opened     bool // the plugin has said something of it
}

// outgoing is a message for the client. With answers it is sent back, and what
// it answers is acknowledged behind it: the end of a reply follows the reply.
type outgoing struct {
	sdk.Message
	answers bool
}

// Open opens a connection at in. Echo is on.
func (k *Kernel) Open(in *Instance) *Conn {
	k.t.Helper()
	return k.open(in, windowMessages, windowBytes, true)
}

func (k *Kernel) open(in *Instance, messages uint32, size uint64, echo bool) *Conn {
	k.t.Helper()
	client, fd := pair(k.t)
	return k.openOver(in, client, fd, messages, size, echo)
}

func (k *Kernel) openOver(in *Instance, client *net.TCPConn, fd int, messages uint32, size uint64, echo bool) *Conn {
	k.t.Helper()
	c := &Conn{k: k, Client: client, fd: fd, owner: in, epoch: 1, last: 1, echo: echo, messages: messages, bytes: size}
	in.fdMu.Lock()
	defer in.fdMu.Unlock()
	if err := in.body.sendDescriptor(fd); err != nil {
		k.t.Fatalf("send descriptor: %v", err)
	}
	k.mu.Lock()
	defer k.unlock()
	c.ID = k.nextIDLocked()
	k.conns[c.ID] = c
	k.sendLocked(in, &link.Frame{Kind: link.Open, Flags: link.Descriptor, Conn: c.ID, Epoch: c.epoch, Payload: marshal(c.info())})
	return c
}

func (c *Conn) info() *pb.Open {
	o := &pb.Open{Listener: listenerIndex, WindowMessages: c.messages, WindowBytes: c.bytes}
	if c.Client != nil {
		o.Local, o.Remote = "tcp|"+c.Client.RemoteAddr().String(), "tcp|"+c.Client.LocalAddr().String()
	}
	return o
}

// frame returns a frame of the connection's binding. The lock is held.
func (c *Conn) frame(kind link.Kind) *link.Frame {
	return &link.Frame{Kind: kind, Conn: c.ID, Epoch: c.epoch}
}

// SetEcho turns the echo on or off. With it on, each message is sent back and
// acknowledged at once, and the client's end is answered by a close; with it
// off, that is up to the test.
func (c *Conn) SetEcho(on bool) {
	c.k.mu.Lock()
	defer c.k.mu.Unlock()
	c.echo = on
}

// Heard waits until the plugin has delivered n messages, and returns all so far.
func (c *Conn) Heard(n int) []sdk.Message {
	c.k.t.Helper()
	c.k.wait(func() bool { return len(c.heard) >= n }, "message %d of connection %d", n, c.ID)
	c.k.mu.Lock()
	defer c.k.mu.Unlock()
	return append([]sdk.Message(nil), c.heard...)
}

// Send sends a message to the client, as soon as the plugin's window is open.
func (c *Conn) Send(m sdk.Message) {
	c.k.mu.Lock()
	defer c.k.unlock()
	c.queue = append(c.queue, outgoing{m, false})
	c.pumpLocked()
}

// Ack acknowledges one message.
func (c *Conn) Ack(m sdk.Message) {
	c.k.mu.Lock()
	defer c.k.unlock()
	c.ackLocked(m)
}

// Close has the plugin close the connection, after what was sent before.
func (c *Conn) Close() {
	c.k.mu.Lock()
	defer c.k.unlock()
	c.closing = true
	c.pumpLocked()
}

// Done waits until the plugin says that the connection is gone.
func (c *Conn) Done() {
	c.k.t.Helper()
	c.k.wait(func() bool { return c.done > 0 }, "the end of connection %d", c.ID)
}

// Cause waits for the plugin's CLOSE and returns the error that it says, nil
// for an orderly end.
func (c *Conn) Cause() error {
	c.k.t.Helper()
	c.k.wait(func() bool { return c.inputEnded || c.done > 0 }, "CLOSE of connection %d", c.ID)
	c.k.mu.Lock()
	defer c.k.mu.Unlock()
	return link.CauseError(c.cause)
}

func (c *Conn) ackLocked(m sdk.Message) {
	f := c.frame(link.Ack)
	f.N, f.Aux, f.Stream = 1, uint64(len(m.Data)), m.Stream()
	if f.Stream != 0 && c.owner.streams {
		f.Flags = link.Done
	}
	c.outMessages--
	c.outBytes -= uint64(len(m.Data))
	c.k.sendLocked(c.owner, f)
}

// pumpLocked hands on what is queued, as far as the plugin's window is open, and
// then the close.
func (c *Conn) pumpLocked() {
	if c.leaving || c.owner == nil || c.closeSent || c.done > 0 {
		return
	}
	size := 0
	for _, n := range c.unwritten {
		size += n
	}
	for len(c.queue) > 0 && len(c.unwritten) < windowMessages && size < windowBytes {
		m := c.queue[0]
		c.queue = c.queue[1:]
		c.unwritten = append(c.unwritten, len(m.Data))
		size += len(m.Data)
		f := c.frame(link.Data)
		f.Stream = m.Stream()
		chunks(f, m.Message, func(f *link.Frame) { c.k.sendLocked(c.owner, f) })
		if m.answers {
			c.ackLocked(m.Message)
		}
	}
	if c.closing && len(c.queue) == 0 {
		c.closeSent = true
		f := c.frame(link.Close)
		f.N = c.cause
		c.k.sendLocked(c.owner, f)
	}
}

// chunks cuts m into frames that are otherwise like f.
func chunks(f *link.Frame, m sdk.Message, send func(*link.Frame)) {
	f.Type, f.Headers = uint8(m.Type), link.AppendHeaders(nil, m.Headers)
	data := m.Data
	for len(data) > link.MaxChunk {
		f.Flags, f.Payload = link.More, data[:link.MaxChunk]
		send(f)
		data, f.Headers = data[link.MaxChunk:], nil
	}
	f.Flags, f.Payload = 0, data
	send(f)
}

// releaseLocked closes the kernel's copy of the descriptor.
func (c *Conn) releaseLocked() {
	if c.fd >= 0 {
		unix.Close(c.fd)
		c.fd = -1
	}
}

// assemble takes one part of a message, and returns the message when it is whole.
func assemble(parts *map[uint64]*sdk.Message, f *link.Frame) (m *sdk.Message, err error) {
	m = (*parts)[f.Stream]
	if m == nil {
		h, err := link.Headers(f.Headers)
		if err != nil {
			return nil, err
		}
		n := sdk.Message{Type: sdk.MessageType(f.Type), Headers: h}.WithStream(f.Stream)
		m = &n
	}
	m.Data = append(m.Data, bytes.Clone(f.Payload)...)
	if f.Flags&link.More == 0 {
		delete(*parts, f.Stream)
		return m, nil
	}
	if *parts == nil {
		*parts = make(map[uint64]*sdk.Message)
	}
	(*parts)[f.Stream] = m
	return nil, nil
}
