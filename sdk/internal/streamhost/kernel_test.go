package streamhost_test

import (
	"errors"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/internal/part"
	"github.com/netcore-go/netcore/sdk/internal/streamhost"
	"github.com/netcore-go/netcore/sdk/link"
	pluginpb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// patience is how long a test waits for what must happen.
const patience = 10 * time.Second

// descriptors is a queue of descriptors on their way to a host.
type descriptors struct {
	mu  sync.Mutex // guards the field below
	fds []int
}

func (d *descriptors) push(fd int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fds = append(d.fds, fd)
}

func (d *descriptors) Receive() (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.fds) == 0 {
		return -1, errors.New("no descriptor has come")
	}
	fd := d.fds[0]
	d.fds = d.fds[1:]
	return fd, nil
}

// A kernel is the other end of a host's link. It records what arrives.
type kernel struct {
	t     testing.TB
	host  *streamhost.Host
	link  *link.Link
	fds   *descriptors
	run   sync.WaitGroup
	close sync.Once
	ended chan struct{} // closed when the host's end has ended
	err   error         // of the host's end, after ended

	// on is called for each frame, in the goroutine that brings it. What it
	// appends is flushed at the end of the batch. It must be set before the
	// first connection.
	on func(k *kernel, f *link.Frame)
	// silent stops the recording.
	silent bool
	frame  link.Frame // of receive

	mu      sync.Mutex // guards the fields below
	frames  []link.Frame
	changed chan struct{} // closed at the next frame
}

// newKernel starts a host of p and the kernel's end of its link.
func newKernel(t testing.TB, p sdk.StreamProtocol, cfg *pluginpb.ListenerConfig, opts ...streamhost.Option) *kernel {
	t.Helper()
	if cfg == nil {
		cfg = &pluginpb.ListenerConfig{}
	}
	cfg.Name = "test"
	k := &kernel{t: t, fds: &descriptors{}, changed: make(chan struct{}), ended: make(chan struct{})}
	mine, theirs := link.Pair()
	k.link = mine
	h, err := streamhost.New(p, []*pluginpb.ListenerConfig{cfg}, part.Env{Link: theirs, Descriptors: k.fds}, opts...)
	if err != nil {
		t.Fatalf("New() = %v", err)
	}
	k.host = h
	k.run.Go(func() { _ = mine.Run(k.receive) })
	k.run.Go(func() {
		var f link.Frame // one for all, as in a plugin
		k.err = theirs.Run(func(batch []byte) error { return deliver(h, batch, &f) })
		close(k.ended)
	})
	t.Cleanup(k.shut)
	// From here on both ends run: what is sent is handled at once.
	k.send(link.Frame{Kind: link.Ack})
	for !k.link.Drained() {
		runtime.Gosched()
	}
	return k
}

// deliver is what the plugin's link reader does.
func deliver(h part.Part, batch []byte, f *link.Frame) error {
	defer h.EndBatch()
	var err error
	for len(batch) > 0 {
		if batch, err = link.Next(batch, f); err != nil {
			return err
		}
		if err := h.Handle(f); err != nil {
			return err
		}
	}
	return nil
}

// violated waits for the host to end the link because of what it was sent.
func (k *kernel) violated(want string) {
	k.t.Helper()
	select {
	case <-k.ended:
	case <-time.After(patience):
		k.t.Fatalf("the link goes on, want it to end because %q", want)
	}
	if k.err == nil || !strings.Contains(k.err.Error(), want) {
		k.t.Errorf("the link ended with %v, want %q", k.err, want)
	}
}

// shut ends the link and the host.
func (k *kernel) shut() {
	k.close.Do(func() {
		k.link.Close()
		k.run.Wait()
		k.host.Close()
		if n := k.host.Connections(); n != 0 {
			k.t.Errorf("Connections() = %d after Close, want 0", n)
		}
	})
}

func (k *kernel) receive(batch []byte) error {
	f := &k.frame
	var err error
	for len(batch) > 0 {
		if batch, err = link.Next(batch, f); err != nil {
			k.t.Errorf("the host sent a bad frame: %v", err)
			return err
		}
		if k.on != nil {
			k.on(k, f)
		}
		if !k.silent {
			k.record(*f)
		}
	}
	k.link.Flush()
	return nil
}

// send sends frames to the host in one batch.
func (k *kernel) send(frames ...link.Frame) {
	for i := range frames {
		k.link.Append(&frames[i])
	}
	k.link.Flush()
}

// A window for messages to the kernel that no test exhausts by chance.
const (
	wideMessages = 1 << 20
	wideBytes    = 1 << 30
)

func openPayload(messages uint32, bytes uint64) *pluginpb.Open {
	return &pluginpb.Open{Local: "tcp|127.0.0.1:1", Remote: "tcp|127.0.0.1:2", WindowMessages: messages, WindowBytes: bytes}
}

func marshal(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// open opens a connection with the given window, and returns the client's end
// and the kernel's copy of the descriptor.
func (k *kernel) open(conn uint64, network string, messages uint32, bytes uint64) (net.Conn, int) {
	k.t.Helper()
	client, fd := pair(k.t, network)
	copied := dup(k.t, fd)
	k.t.Cleanup(func() { unix.Close(copied) })
	k.fds.push(fd)
	k.send(link.Frame{Kind: link.Open, Flags: link.Descriptor, Conn: conn, Epoch: 1, Payload: marshal(k.t, openPayload(messages, bytes))})
	return client, copied
}

// openWide opens a tcp connection with a wide window.
func (k *kernel) openWide(conn uint64) (net.Conn, int) {
	k.t.Helper()
	return k.open(conn, "tcp", wideMessages, wideBytes)
}

// echo answers each message with itself and acknowledges it, and each CLOSE
// with a CLOSE.
func echo(k *kernel, f *link.Frame) {
	switch f.Kind {
	case link.Data:
		reply := *f
		reply.Aux = 0
		k.link.Append(&reply)
		ack := link.Frame{Kind: link.Ack, Conn: f.Conn, Epoch: f.Epoch, Aux: uint64(len(f.Payload))}
		if f.Flags&link.More == 0 {
			ack.N = 1
		}
		k.link.Append(&ack)
	case link.Close:
		if f.Flags&link.Done == 0 {
			k.link.Append(&link.Frame{Kind: link.Close, Conn: f.Conn, Epoch: f.Epoch, N: f.N})
		}
	}
}
