package streamhost_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
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
	err   error // of the host's end, after shut

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
	k := &kernel{t: t, fds: &descriptors{}, changed: make(chan struct{})}
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
	})
	t.Cleanup(k.shut)
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

func (k *kernel) record(f link.Frame) {
	f.Headers = append([]byte(nil), f.Headers...)
	f.Payload = append([]byte(nil), f.Payload...)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.frames = append(k.frames, f)
	close(k.changed)
	k.changed = make(chan struct{})
}

// send sends frames to the host in one batch.
func (k *kernel) send(frames ...link.Frame) {
	for i := range frames {
		k.link.Append(&frames[i])
	}
	k.link.Flush()
}

// seen returns the frames of a connection so far, and what is closed when there
// is one more.
func (k *kernel) seen(conn uint64) (frames []link.Frame, more chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, f := range k.frames {
		if f.Conn == conn {
			frames = append(frames, f)
		}
	}
	return frames, k.changed
}

// until waits until a connection's frames satisfy ok, and returns them.
func (k *kernel) until(conn uint64, what string, ok func([]link.Frame) bool) []link.Frame {
	k.t.Helper()
	late := time.After(patience)
	for {
		frames, more := k.seen(conn)
		if ok(frames) {
			return frames
		}
		select {
		case <-more:
		case <-late:
			k.t.Fatalf("connection %d: no %s; frames:\n%s", conn, what, transcript(frames))
		}
	}
}

// await waits for the nth frame of that kind, counted from 1.
func (k *kernel) await(conn uint64, kind link.Kind, nth int) link.Frame {
	k.t.Helper()
	var found link.Frame
	k.until(conn, fmt.Sprintf("%v %d", kind, nth), func(frames []link.Frame) bool {
		n := 0
		for _, f := range frames {
			if f.Kind == kind {
				if n++; n == nth {
					found = f
					return true
				}
			}
		}
		return false
	})
	return found
}

// transcript writes frames so that they can be compared.
func transcript(frames []link.Frame) string {
	var b strings.Builder
	for i := range frames {
		b.WriteString(line(&frames[i]) + "\n")
	}
	return b.String()
}

func line(f *link.Frame) string {
	s := fmt.Sprintf("%v e%d n%d", f.Kind, f.Epoch, f.N)
	if f.Flags != 0 {
		s += fmt.Sprintf(" flags %d", f.Flags)
	}
	if f.Stream != 0 || f.Aux != 0 {
		s += fmt.Sprintf(" stream %d aux %d", f.Stream, f.Aux)
	}
	if len(f.Payload) > 40 {
		return s + fmt.Sprintf(" %d bytes", len(f.Payload))
	}
	if len(f.Payload) > 0 && f.Kind != link.Prepared {
		s += fmt.Sprintf(" %q", f.Payload)
	}
	return s
}

// pair returns the client's end of a connection, and the descriptor of the
// server's end.
func pair(t testing.TB, network string) (client net.Conn, server int) {
	t.Helper()
	if network == "unix" {
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		f := os.NewFile(uintptr(fds[0]), "client")
		defer f.Close()
		c, err := net.FileConn(f)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c, fds[1]
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return c, dupConn(t, s)
}

func dupConn(t testing.TB, c net.Conn) (fd int) {
	t.Helper()
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(from uintptr) { fd = dup(t, int(from)) }); err != nil {
		t.Fatal(err)
	}
	return fd
}

func dup(t testing.TB, fd int) int {
	t.Helper()
	n, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		t.Fatal(err)
	}
	return n
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

func write(t testing.TB, c net.Conn, p []byte) {
	t.Helper()
	c.SetWriteDeadline(time.Now().Add(patience))
	if _, err := c.Write(p); err != nil {
		t.Fatalf("client write: %v", err)
	}
}

// expect reads want from the client's end.
func expect(t testing.TB, c net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	c.SetReadDeadline(time.Now().Add(patience))
	if n, err := io.ReadFull(c, got); err != nil {
		t.Fatalf("client read %.80q (%d bytes), %v, want %.80q (%d)", got[:n], n, err, want, len(want))
	}
	if string(got) != want {
		t.Fatalf("client read %.80q, want %.80q", got, want)
	}
}

// expectEnd reads want, and then the end.
func expectEnd(t testing.TB, c net.Conn, want string) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(patience))
	got, err := io.ReadAll(c)
	if string(got) != want || err != nil {
		t.Fatalf("client read %q, %v, want %q and the end", got, err, want)
	}
}
