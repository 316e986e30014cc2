package handlerhost_test

import (
	"bytes"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/internal/handlerhost"
	"github.com/netcore-go/netcore/sdk/internal/part"
	"github.com/netcore-go/netcore/sdk/link"
	pb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what a test waits for.
const patience = 10 * time.Second

// A kernel is the other end of a host's link, driven by a test.
type kernel struct {
	t      testing.TB
	link   *link.Link
	host   *handlerhost.Host
	part   part.Part
	log    *logs
	frames chan link.Frame // roomy: the link's reader must not wait
	end    func()
}

// serve runs h behind a link in memory until the test ends.
func serve(t testing.TB, h sdk.MessageHandler) *kernel {
	t.Helper()
	near, far := link.Pair()
	k := &kernel{t: t, link: near, log: &logs{}, frames: make(chan link.Frame, 100000)}
	host, err := handlerhost.New(h, nil, slog.New(slog.NewTextHandler(k.log, nil)))
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	k.host, k.part = host, host.Attach(far)[0]
	var running sync.WaitGroup
	running.Go(func() { _ = near.Run(k.receive) })
	running.Go(func() { _ = far.Run(receiver(t, k.part)) })
	k.end = sync.OnceFunc(func() {
		near.Close()
		running.Wait()
		host.Close()
	})
	t.Cleanup(k.end)
	return k
}

func receiver(t testing.TB, p part.Part) func(batch []byte) error {
	return func(batch []byte) error {
		defer p.EndBatch()
		var f link.Frame
		var err error
		for len(batch) > 0 {
			if batch, err = link.Next(batch, &f); err != nil {
				t.Errorf("host was sent: %v", err)
				return err
			}
			if err := p.Handle(&f); err != nil {
				return err
			}
		}
		return nil
	}
}

func (k *kernel) receive(batch []byte) error {
	var f link.Frame
	var err error
	for len(batch) > 0 {
		if batch, err = link.Next(batch, &f); err != nil {
			k.t.Errorf("kernel was sent: %v", err)
			return err
		}
		f.Payload, f.Headers = bytes.Clone(f.Payload), bytes.Clone(f.Headers)
		k.frames <- f
	}
	return nil
}

// send sends frames as one batch, and returns when the host has taken it.
func (k *kernel) send(frames ...link.Frame) {
	for i := range frames {
		k.link.Append(&frames[i])
	}
	k.link.Flush()
	for !k.link.Drained() { // until the host's end runs
		runtime.Gosched()
	}
}

// next returns the next frame of the host, which must be of that kind.
func (k *kernel) next(kind link.Kind) link.Frame {
	k.t.Helper()
	select {
	case f := <-k.frames:
		if f.Kind != kind {
			k.t.Fatalf("host sent %v %+v, want %v", f.Kind, f, kind)
		}
		return f
	case <-time.After(patience):
		k.t.Fatalf("host sent nothing, want %v", kind)
	}
	panic("not reached")
}

// quiet checks that the host has sent nothing that the test has not seen.
func (k *kernel) quiet() {
	k.t.Helper()
	select {
	case f := <-k.frames:
		k.t.Fatalf("host sent %v %+v, want nothing", f.Kind, f)
	default:
	}
}

func bind(conn uint64, flags link.Flags, b *pb.Binding) link.Frame {
	if b == nil {
		b = &pb.Binding{}
	}
	if b.WindowMessages == 0 {
		b.WindowMessages, b.WindowBytes = 1000, 1<<20
	}
	if b.Remote == "" {
		b.Remote, b.Local = "tcp|127.0.0.1:4711", "tcp|127.0.0.1:7001"
	}
	payload, err := proto.Marshal(b)
	if err != nil {
		panic(err)
	}
	return link.Frame{Kind: link.Bind, Flags: flags, Conn: conn, Epoch: 1, Payload: payload}
}

func data(conn, stream uint64, payload string) link.Frame {
	return link.Frame{Kind: link.Data, Type: 1, Conn: conn, Epoch: 1, Stream: stream, Payload: []byte(payload)}
}

func unbind(conn uint64, flags link.Flags, cause link.Cause) link.Frame {
	return link.Frame{Kind: link.Unbind, Flags: flags, Conn: conn, Epoch: 1, N: cause}
}

// logs is what was logged.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// funcs is a handler made of functions, each of which may be nil.
type funcs struct {
	inline     bool
	connect    func(sdk.Connection)
	message    func(sdk.Connection, sdk.Message)
	disconnect func(sdk.Connection, error)
}

func (f *funcs) Inline() bool { return f.inline }

func (f *funcs) OnConnect(c sdk.Connection) {
	if f.connect != nil {
		f.connect(c)
	}
}

func (f *funcs) OnMessage(c sdk.Connection, m sdk.Message) {
	if f.message != nil {
		f.message(c, m)
	}
}

func (f *funcs) OnDisconnect(c sdk.Connection, err error) {
	if f.disconnect != nil {
		f.disconnect(c, err)
	}
}

// modes runs a test for an inline and for a queued handler.
func modes(t *testing.T, test func(t *testing.T, inline bool)) {
	for _, inline := range []bool{true, false} {
		name := "queued"
		if inline {
			name = "inline"
		}
		t.Run(name, func(t *testing.T) { test(t, inline) })
	}
}

// wait receives from c, with patience.
func wait[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
	}
	panic("not reached")
}

func equal[T comparable](t testing.TB, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}
