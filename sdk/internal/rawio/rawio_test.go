package rawio_test

import (
	"bytes"
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netcore-go/netcore/sdk/internal/rawio"
)

func pair(t *testing.T) (a, b int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fds[0]); unix.Close(fds[1]) })
	return fds[0], fds[1]
}

func TestTransfer(t *testing.T) {
	a, b := pair(t)
	buf := make([]byte, 16)
	if n, err := rawio.Read(b, buf); n != 0 || !errors.Is(err, unix.EAGAIN) {
		t.Errorf("Read() of nothing = %d, %v, want EAGAIN", n, err)
	}
	if n, err := rawio.Write(a, []byte("hello")); n != 5 || err != nil {
		t.Errorf("Write() = %d, %v, want 5", n, err)
	}
	if n, err := rawio.Read(b, buf); n != 5 || err != nil || !bytes.Equal(buf[:n], []byte("hello")) {
		t.Errorf("Read() = %d, %v, %q, want hello", n, err, buf[:n])
	}
	unix.Shutdown(a, unix.SHUT_WR)
	if n, err := rawio.Read(b, buf); n != 0 || err != nil {
		t.Errorf("Read() at the end = %d, %v, want 0", n, err)
	}
	unix.Shutdown(b, unix.SHUT_RDWR)
	if _, err := rawio.Write(a, []byte("x")); !errors.Is(err, unix.EPIPE) {
		t.Errorf("Write() after the end = %v, want EPIPE", err)
	}
	if _, err := rawio.Write(-1, []byte("x")); !errors.Is(err, unix.EBADF) {
		t.Errorf("Write() to no descriptor = %v, want EBADF", err)
	}
}

func TestEpollReady(t *testing.T) {
	a, b := pair(t)
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(epoll)
	if err := unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, b, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(b)}); err != nil {
		t.Fatal(err)
	}
	events := make([]unix.EpollEvent, 4)
	if n, err := rawio.EpollReady(epoll, events); n != 0 || err != nil {
		t.Errorf("EpollReady() = %d, %v, want none", n, err)
	}
	if _, err := rawio.Write(a, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if n, err := rawio.EpollReady(epoll, events); n != 1 || err != nil || events[0].Fd != int32(b) {
		t.Errorf("EpollReady() = %d, %v, %v, want one of %d", n, err, events[0], b)
	}
	if _, err := rawio.EpollReady(-1, events); !errors.Is(err, unix.EBADF) {
		t.Errorf("EpollReady() of no set = %v, want EBADF", err)
	}
}

func TestNothingIsAllocated(t *testing.T) {
	a, b := pair(t)
	buf := make([]byte, 16)
	n := testing.AllocsPerRun(100, func() {
		_, _ = rawio.Write(a, buf)
		_, _ = rawio.Read(b, buf)
		_, _ = rawio.Read(b, buf)
	})
	if n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
