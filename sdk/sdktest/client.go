package sdktest

import (
	"bytes"

	"google.golang.org/protobuf/proto"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/link"
	pb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// A Client is a connection that a handler plugin serves. There is no socket:
// the test is the client.
type Client struct {
	k  *Kernel
	ID uint64

	owner  *Instance
	epoch  uint32
	manual bool   // the test opens the window
	window uint32 // for messages to the client

	given      uint32 // messages that the handler has, and
	givenBytes uint64 // their bytes
	acks       int    // messages that it has acknowledged
	heard      []sdk.Message
	parts      map[uint64]*sdk.Message
	sent       []int // sizes of messages that are outstanding
	context    map[string][]byte
	unbinding  bool
	unbound    int
	closed     bool // the handler has closed it
	cause      link.Cause
}

// Bind gives a new connection to a handler.
func (k *Kernel) Bind(in *Instance) *Client {
	k.t.Helper()
	return k.bind(in, windowMessages, false, nil)
}

// bind binds a connection with that window, and delivers messages in the same
// batch.
func (k *Kernel) bind(in *Instance, window uint32, manual bool, batch []sdk.Message) *Client {
	c := &Client{k: k, owner: in, window: window, manual: manual, context: make(map[string][]byte)}
	k.mu.Lock()
	defer k.unlock()
	c.ID = k.nextIDLocked()
	k.clients[c.ID] = c
	c.bindLocked(in, 0, 0)
	for _, m := range batch {
		c.deliverLocked(m)
	}
	return c
}

func (c *Client) bindLocked(to *Instance, flags link.Flags, lost uint32) {
	c.owner = to
	c.epoch++
	c.given, c.givenBytes, c.sent, c.parts = 0, 0, nil, nil
	c.unbinding = false
	b := &pb.Binding{
		Listener: "test", Protocol: "test", Local: "tcp|127.0.0.1:7001", Remote: "tcp|127.0.0.1:4711",
		WindowMessages: c.window, WindowBytes: windowBytes, Lost: lost, Context: make(map[string]*pb.Value),
	}
	for key, encoded := range c.context {
		v := new(pb.Value)
		if err := proto.Unmarshal(encoded, v); err != nil {
			c.k.t.Errorf("context value %q: %v", key, err)
			continue
		}
		b.Context[key] = v
	}
	f := c.frame(link.Bind)
	f.Flags, f.N, f.Payload = flags, lost, marshal(b)
	c.k.sendLocked(to, f)
}

// frame returns a frame of the connection's binding. The lock is held.
func (c *Client) frame(kind link.Kind) *link.Frame {
	return &link.Frame{Kind: kind, Conn: c.ID, Epoch: c.epoch}
}

// Deliver gives the handler a message of the client.
func (c *Client) Deliver(m sdk.Message) {
	c.k.mu.Lock()
	defer c.k.unlock()
	c.deliverLocked(m)
}

func (c *Client) deliverLocked(m sdk.Message) {
	c.given++
	c.givenBytes += uint64(len(m.Data))
	f := c.frame(link.Data)
	f.Stream = m.Stream()
	chunks(f, m, func(f *link.Frame) { c.k.sendLocked(c.owner, f) })
}

// Heard waits until the client was sent n messages, and returns all so far.
func (c *Client) Heard(n int) []sdk.Message {
	c.k.t.Helper()
	c.k.wait(func() bool { return len(c.heard) >= n }, "message %d to client %d", n, c.ID)
	c.k.mu.Lock()
	defer c.k.mu.Unlock()
	return append([]sdk.Message(nil), c.heard...)
}

// Acked waits until the handler has acknowledged all that it was given.
func (c *Client) Acked() {
	c.k.t.Helper()
	c.k.wait(func() bool { return c.given == 0 }, "acknowledgement of all messages of client %d", c.ID)
	c.k.mu.Lock()
	defer c.k.mu.Unlock()
	if c.givenBytes != 0 {
		c.k.t.Errorf("client %d: all messages are acknowledged, %d bytes are not", c.ID, c.givenBytes)
	}
}

// Acks is how many messages the handler has acknowledged.
func (c *Client) Acks() int {
	c.k.mu.Lock()
	defer c.k.mu.Unlock()
	return c.acks
}

// Open opens the window by the n messages that were sent first.
func (c *Client) Open(n int) {
	c.k.mu.Lock()
	defer c.k.unlock()
	c.openLocked(n)
}

func (c *Client) openLocked(n int) {
	f := c.frame(link.Written)
	for _, size := range c.sent[:n] {
		f.Aux += uint64(size)
	}
	f.N, c.sent = uint32(n), c.sent[n:]
	c.k.sendLocked(c.owner, f)
}

// Unbind tells the handler that the connection has ended because of cause, nil
// for an orderly end, and waits for the answer.
func (c *Client) Unbind(cause error) {
	c.k.t.Helper()
	c.k.mu.Lock()
	c.unbindLocked(0, link.CauseOf(cause))
	c.k.unlock()
	c.answered()
}

func (c *Client) unbindLocked(flags link.Flags, cause link.Cause) {
	if c.unbinding {
		return
	}
	c.unbinding = true
	f := c.frame(link.Unbind)
	f.Flags, f.N = flags, cause
	c.k.sendLocked(c.owner, f)
	if flags&link.Moved == 0 {
		for _, members := range c.k.rooms {
			delete(members, c.ID)
		}
	}
}

func (c *Client) answered() {
	c.k.t.Helper()
	n := int(c.epochNow())
	c.k.wait(func() bool { return c.unbound >= n }, "answer to UNBIND of client %d", c.ID)
}

func (c *Client) epochNow() uint32 {
	c.k.mu.Lock()
	defer c.k.mu.Unlock()
	return c.epoch
}

// Move takes the connection to another instance, once all messages are
// acknowledged.
func (c *Client) Move(to *Instance) {
	c.k.t.Helper()
	c.Acked()
	c.k.mu.Lock()
	c.unbindLocked(link.Moved, 0)
	c.k.unlock()
	c.answered()
	c.k.mu.Lock()
	defer c.k.unlock()
	c.bindLocked(to, link.Moved, 0)
}

// Resume gives a connection whose instance was killed to another.
func (c *Client) Resume(to *Instance) {
	c.k.mu.Lock()
	defer c.k.unlock()
	lost := c.given
	c.unbound++ // nobody will answer for this epoch
	c.bindLocked(to, link.Resumed, lost)
}

// Closed waits until the handler has closed the connection and was told of the
// end.
func (c *Client) Closed() error {
	c.k.t.Helper()
	c.k.wait(func() bool { return c.closed && c.unbound >= int(c.epoch) }, "end of client %d by the handler", c.ID)
	c.k.mu.Lock()
	defer c.k.mu.Unlock()
	return link.CauseError(c.cause)
}

// Context returns what the handler has set, as a successor would find it.
func (c *Client) Context() map[string]any {
	c.k.mu.Lock()
	defer c.k.mu.Unlock()
	all := make(map[string]any, len(c.context))
	for key, encoded := range c.context {
		var v pb.Value
		if proto.Unmarshal(encoded, &v) == nil {
			all[key] = native(&v)
		}
	}
	return all
}

func native(v *pb.Value) any {
	switch v := v.GetKind().(type) {
	case *pb.Value_Bool:
		return v.Bool
	case *pb.Value_Int:
		return v.Int
	case *pb.Value_Uint:
		return v.Uint
	case *pb.Value_Float:
		return v.Float
	case *pb.Value_String_:
		return v.String_
	case *pb.Value_Bytes:
		return v.Bytes
	}
	return nil
}

// hearLocked has the client hear a broadcast or a message of the handler.
func (c *Client) hearLocked(m sdk.Message) {
	m.Data = bytes.Clone(m.Data)
	c.heard = append(c.heard, m)
}
