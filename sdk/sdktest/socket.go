package sdktest

import (
	"fmt"
	"net"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// small is the size asked for where a socket's buffer is to be full soon, in bytes.
const small = 32 << 10

// pair returns a client's connection over loopback, and a descriptor of the
// server's end.
func pair(t testing.TB) (client *net.TCPConn, server int) {
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
	defer s.Close()
	return c.(*net.TCPConn), duplicate(t, s.(syscall.Conn))
}

// duplicate returns a descriptor of c that Go does not poll.
func duplicate(t testing.TB, c syscall.Conn) (fd int) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var derr error
	err = raw.Control(func(from uintptr) { fd, derr = unix.FcntlInt(from, unix.F_DUPFD_CLOEXEC, 3) })
	if err != nil || derr != nil {
		t.Fatal(err, derr)
	}
	return fd
}

// counters returns how many bytes were taken from a server's socket, and how
// many were given to it.
func counters(fd int) (consumed, written uint64, err error) {
	in, err := unix.IoctlGetInt(fd, unix.SIOCINQ)
	if err != nil {
		return 0, 0, fmt.Errorf("SIOCINQ: %w", err)
	}
	out, err := unix.IoctlGetInt(fd, unix.SIOCOUTQ)
	if err != nil {
		return 0, 0, fmt.Errorf("SIOCOUTQ: %w", err)
	}
	i, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return 0, 0, fmt.Errorf("TCP_INFO: %w", err)
	}
	return i.Bytes_received - uint64(in), i.Bytes_acked + uint64(out), nil
}

// counters are those of the connection's socket; an error if it is gone.
func (c *Conn) counters() (consumed, written uint64, err error) {
	c.k.mu.Lock()
	defer c.k.mu.Unlock()
	return counters(c.fd)
}
