package nethost_test

import (
	"errors"
	"log/slog"
	"net"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/internal/nethost"
	"github.com/netcore-go/netcore/sdk/internal/part"
	"github.com/netcore-go/netcore/sdk/link"
	pluginpb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what a test waits for.
const patience = 10 * time.Second

// A fakeKernel is the other end of a host's link.
type fakeKernel struct {
	t    *testing.T
	host *nethost.Host
	link *link.Link
	log  *logRecorder

	mu     sync.Mutex // guards the fields below
	change *sync.Cond
	frames []link.Frame
	fds    []int
}

// startKernel runs a host of p, a sdk.Protocol or sdk.PacketProtocol, with one
// listener of index 7.
func startKernel(t *testing.T, p any, options string) *fakeKernel {
	t.Helper()
	k := &fakeKernel{t: t, log: new(logRecorder)}
	k.change = sync.NewCond(&k.mu)
	kernelEnd, pluginEnd := link.Pair()
	k.link = kernelEnd
	stream, _ := p.(sdk.Protocol)
	packet, _ := p.(sdk.PacketProtocol)
	listeners := []*pluginpb.ListenerConfig{{Index: 7, Name: "game", Options: []byte(options)}}
	h, err := nethost.New(stream, packet, listeners, part.Env{Link: pluginEnd, Descriptors: k, Log: slog.New(k.log)})
	if err != nil {
		t.Fatal(err)
	}
	k.host = h
	var ends sync.WaitGroup
	ends.Go(func() { _ = kernelEnd.Run(k.record) })
	ends.Go(func() {
		if err := pluginEnd.Run(k.dispatch); err != nil && !errors.Is(err, link.ErrClosed) {
			t.Errorf("plugin: %v", err)
		}
	})
	t.Cleanup(func() {
		kernelEnd.Close()
		ends.Wait()
		h.Close()
		h.Close()
		if n := h.Connections(); n != 0 {
			t.Errorf("Connections() = %d after Close, want 0", n)
		}
	})
	return k
}

func (k *fakeKernel) dispatch(batch []byte) error {
	defer k.host.EndBatch()
	for len(batch) > 0 {
		var f link.Frame
		rest, err := link.Next(batch, &f)
		if err != nil {
			return err
		}
		if err := k.host.Handle(&f); err != nil {
			return err
		}
		batch = rest
	}
	return nil
}

func (k *fakeKernel) record(batch []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for len(batch) > 0 {
		var f link.Frame
		rest, err := link.Next(batch, &f)
		if err != nil {
			return err
		}
		f.Payload = append([]byte(nil), f.Payload...)
		f.Headers = append([]byte(nil), f.Headers...)
		k.frames = append(k.frames, f)
		batch = rest
	}
	k.change.Broadcast()
	return nil
}

// Receive is the plugin's side of the descriptor socket.
func (k *fakeKernel) Receive() (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.fds) == 0 {
		return -1, errors.New("no descriptor was sent")
	}
	fd := k.fds[0]
	k.fds = k.fds[1:]
	return fd, nil
}

// next waits for the next frame of connection number.
func (k *fakeKernel) next(number uint64) link.Frame {
	k.t.Helper()
	late := time.AfterFunc(patience, k.change.Broadcast)
	defer late.Stop()
	deadline := time.Now().Add(patience)
	k.mu.Lock()
	defer k.mu.Unlock()
	for {
		for i, f := range k.frames {
			if f.Conn == number {
				k.frames = append(k.frames[:i], k.frames[i+1:]...)
				return f
			}
		}
		if time.Now().After(deadline) {
			k.t.Fatalf("no frame of connection %d came", number)
		}
		k.change.Wait()
	}
}

// want waits for the next frame of connection number, which has to be of a kind.
func (k *fakeKernel) want(number uint64, kind link.Kind, flags link.Flags) link.Frame {
	k.t.Helper()
	f := k.next(number)
	if f.Kind != kind || f.Flags != flags {
		k.t.Fatalf("connection %d: frame %v flags %d n %d %q, want %v flags %d", number, f.Kind, f.Flags, f.N, f.Payload, kind, flags)
	}
	return f
}

// wantData is want for a whole message. It returns the frame.
func (k *fakeKernel) wantData(number uint64, payload string) link.Frame {
	k.t.Helper()
	f := k.want(number, link.Data, 0)
	if string(f.Payload) != payload {
		k.t.Fatalf("DATA = %q, want %q", f.Payload, payload)
	}
	return f
}

// wantCause is want for CLOSE.
func (k *fakeKernel) wantCause(number uint64, flags link.Flags, cause link.Cause) {
	k.t.Helper()
	if f := k.want(number, link.Close, flags); f.N != cause {
		k.t.Fatalf("CLOSE flags %d cause %s, want %s", flags, link.CauseName(f.N), link.CauseName(cause))
	}
}

// none checks that no frame of the connection is there.
func (k *fakeKernel) none(number uint64) {
	k.t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, f := range k.frames {
		if f.Conn == number {
			k.t.Fatalf("connection %d: frame %v %q, want none", number, f.Kind, f.Payload)
		}
	}
}

func (k *fakeKernel) send(frames ...link.Frame) {
	for i := range frames {
		k.link.Append(&frames[i])
	}
	k.link.Flush()
}

// pass queues a copy of c's descriptor for the plugin.
func (k *fakeKernel) pass(c syscall.Conn) {
	k.t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		k.t.Fatal(err)
	}
	var fd int
	if cerr := raw.Control(func(of uintptr) { fd, err = syscall.Dup(int(of)) }); cerr != nil || err != nil {
		k.t.Fatal(cerr, err)
	}
	syscall.CloseOnExec(fd)
	k.mu.Lock()
	k.fds = append(k.fds, fd)
	k.mu.Unlock()
}

func opening(messages uint32, bytes uint64) *pluginpb.Open {
	return &pluginpb.Open{Listener: 7, Local: "tcp|192.0.2.1:7001", Remote: "tcp|192.0.2.9:4711", WindowMessages: messages, WindowBytes: bytes}
}

func marshal(t *testing.T, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// open opens connection number over c, of epoch 1.
func (k *fakeKernel) open(number uint64, c *net.TCPConn, o *pluginpb.Open) {
	k.t.Helper()
	k.pass(c)
	k.send(link.Frame{Kind: link.Open, Flags: link.Descriptor, Conn: number, Epoch: 1, Payload: marshal(k.t, o)})
}

// tcpPair returns a client and the kernel's copy of its connection.
func tcpPair(t *testing.T) (client, server *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); s.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c.(*net.TCPConn), s.(*net.TCPConn)
}

// connect opens connection number with a wide window and returns its client.
func (k *fakeKernel) connect(number uint64) (client, server *net.TCPConn) {
	k.t.Helper()
	client, server = tcpPair(k.t)
	k.open(number, server, opening(64, 1<<20))
	return client, server
}

// eventually waits until ok, which has no event to wait for.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

func data(number uint64, payload string) link.Frame {
	return link.Frame{Kind: link.Data, Conn: number, Epoch: 1, Type: 1, Payload: []byte(payload)}
}

func closing(number uint64, cause link.Cause) link.Frame {
	return link.Frame{Kind: link.Close, Conn: number, Epoch: 1, N: cause}
}
