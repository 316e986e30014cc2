package link_test

import (
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netcore-go/netcore/sdk/link"
)

// patience bounds what a test waits for.
const patience = 15 * time.Second

// carriers are the carriers of this package: how to make both ends of a link.
var carriers = []struct {
	name string
	pair func(testing.TB) (a, b *link.Link)
}{
	{"memory", func(testing.TB) (a, b *link.Link) { return link.Pair() }},
	{"unix", unixPair},
}

func unixPair(t testing.TB) (a, b *link.Link) {
	t.Helper()
	x, y := sockets(t)
	return newUnix(t, x), newUnix(t, y)
}

func newUnix(t testing.TB, c *net.UnixConn) *link.Link {
	t.Helper()
	l, err := link.NewUnix(c)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func sockets(t testing.TB) (a, b *net.UnixConn) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	return unixConn(t, fds[0]), unixConn(t, fds[1])
}

func unixConn(t testing.TB, fd int) *net.UnixConn {
	t.Helper()
	f := os.NewFile(uintptr(fd), "socket")
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*net.UnixConn)
}

// each runs a test over each carrier.
func each(t *testing.T, test func(t *testing.T, a, b *link.Link)) {
	for _, c := range carriers {
		t.Run(c.name, func(t *testing.T) {
			a, b := c.pair(t)
			t.Cleanup(func() { a.Close(); b.Close() })
			test(t, a, b)
		})
	}
}

// run runs l in the background; its result comes on the channel.
func run(l *link.Link, receive func(*link.Frame)) <-chan error {
	ended := make(chan error, 1) // one result
	go func() {                  // ends with the link
		ended <- l.Run(func(batch []byte) error { return frames(batch, receive) })
	}()
	return ended
}

func frames(batch []byte, receive func(*link.Frame)) error {
	var f link.Frame
	var err error
	for len(batch) > 0 {
		if batch, err = link.Next(batch, &f); err != nil {
			return err
		}
		receive(&f)
	}
	return nil
}

func ignore(*link.Frame) {}

// result waits for what Run returned.
func result(t *testing.T, ended <-chan error) error {
	t.Helper()
	select {
	case err := <-ended:
		return err
	case <-time.After(patience):
		t.Fatal("Run does not return")
	}
	return nil
}

// eventually waits for what has no event.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// A collector counts frames by connection and checks their order.
type collector struct {
	t     *testing.T
	total int
	done  chan struct{} // closed when total have come

	mu   sync.Mutex // guards the fields below
	next map[uint64]uint64
	n    int
}

func collect(t *testing.T, total int) *collector {
	return &collector{t: t, total: total, done: make(chan struct{}), next: make(map[uint64]uint64)}
}

func (c *collector) receive(f *link.Frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if want := c.next[f.Conn]; f.Aux != want {
		c.t.Errorf("connection %d: frame %d, want %d", f.Conn, f.Aux, want)
	}
	c.next[f.Conn] = f.Aux + 1
	if c.n++; c.n == c.total {
		close(c.done)
	}
}

func (c *collector) wait() {
	c.t.Helper()
	select {
	case <-c.done:
	case <-time.After(patience):
		c.mu.Lock()
		defer c.mu.Unlock()
		c.t.Fatalf("%d frames of %d came", c.n, c.total)
	}
}

// drain waits until the other end has read all that was written to c.
func drain(t *testing.T, c *net.UnixConn) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the other end has read", func() bool {
		left := 0
		err := raw.Control(func(fd uintptr) { left, _ = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) })
		return err != nil || left == 0
	})
}
