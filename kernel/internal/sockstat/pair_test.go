package sockstat_test

import (
	"errors"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netcore-go/netcore/kernel/internal/sockstat"
)

// An end is one side of a TCP connection over loopback. Its socket is
// non-blocking, as in the kernel.
type end struct {
	fd   int
	read func(fd int) (sockstat.Counters, error)
}

// pair returns the accepted and the dialed end of a connection.
func pair(t testing.TB) (accepted, dialed end) {
	t.Helper()
	l := socket(t)
	defer unix.Close(l)
	must(t, unix.Bind(l, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	must(t, unix.Listen(l, 1))
	addr, err := unix.Getsockname(l)
	must(t, err)
	d := socket(t)
	must(t, unix.Connect(d, addr))
	a, _, err := unix.Accept4(l, unix.SOCK_CLOEXEC)
	must(t, err)
	for _, fd := range []int{a, d} {
		must(t, unix.SetNonblock(fd, true))
		t.Cleanup(func() { unix.Close(fd) })
	}
	return end{a, sockstat.Read}, end{d, sockstat.ReadDialed}
}

func socket(t testing.TB) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	return fd
}

// write sends n bytes.
func (e end) write(t *testing.T, n int) {
	t.Helper()
	if got, err := unix.Write(e.fd, make([]byte, n)); err != nil || got != n {
		t.Fatalf("write = %d, %v, want %d", got, err, n)
	}
}

// fill writes until the send queue takes no more, and returns how much it took.
func (e end) fill(t *testing.T) (n int) {
	t.Helper()
	b := make([]byte, 100_000)
	for {
		got, err := unix.Write(e.fd, b)
		if errors.Is(err, unix.EAGAIN) {
			return n
		}
		must(t, err)
		n += got
	}
}

// take reads exactly n bytes.
func (e end) take(t *testing.T, n int) {
	t.Helper()
	b := make([]byte, min(n, 1<<20))
	for n > 0 {
		e.wait(t, unix.POLLIN)
		got, err := unix.Read(e.fd, b[:min(n, len(b))])
		must(t, err)
		if got == 0 {
			t.Fatalf("end of stream, want %d more bytes", n)
		}
		n -= got
	}
}

// takeEnd reads the end of the stream.
func (e end) takeEnd(t *testing.T) {
	t.Helper()
	e.wait(t, unix.POLLIN)
	if n, err := unix.Read(e.fd, make([]byte, 1)); n != 0 || err != nil {
		t.Fatalf("read = %d, %v, want the end of the stream", n, err)
	}
}

func (e end) shutdownWrite(t *testing.T) {
	t.Helper()
	must(t, unix.Shutdown(e.fd, unix.SHUT_WR))
}

// wait returns when the socket reports events.
func (e end) wait(t *testing.T, events int16) {
	t.Helper()
	p := []unix.PollFd{{Fd: int32(e.fd), Events: events}}
	for {
		n, err := unix.Poll(p, 10_000)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		must(t, err)
		if n == 0 {
			t.Fatalf("poll of descriptor %d: nothing in 10 s", e.fd)
		}
		return
	}
}

// expect waits until the counters are want: what the peer's stack
// acknowledges arrives when it does. QueuedIn and QueuedOut are compared only
// where want sets them.
func (e end) expect(t *testing.T, want sockstat.Counters) {
	t.Helper()
	var got sockstat.Counters
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); runtime.Gosched() {
		var err error
		got, err = e.read(e.fd)
		must(t, err)
		if want.QueuedOut == 0 {
			got.QueuedOut = 0
		}
		if want.QueuedIn == 0 {
			got.QueuedIn = 0
		}
		if got == want {
			return
		}
	}
	t.Fatalf("counters = %+v, want %+v", got, want)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
