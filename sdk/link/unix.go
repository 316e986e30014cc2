package link

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"github.com/netcore-go/netcore/sdk/internal/rawio"
)

// readBuffer is what a unix link reads at most at once, in bytes; it grows for
// a frame that is larger.
const readBuffer = 256 << 10

// socketBuffer is asked for each direction of a unix link, in bytes.
const socketBuffer = 1 << 20

// unix carries batches over a unix stream socket.
type unix struct {
	conn *net.UnixConn
	raw  syscall.RawConn

	// The arguments and results of attempt, which is allocated once.
	out     []byte
	n       int
	err     error
	attempt func(fd uintptr) bool

	// The same of arrive, which reads.
	in     []byte
	read   int
	inErr  error
	arrive func(fd uintptr) bool
	busy   int // bytes received since the last call of idle
	idle   func()
}

// NewUnix returns the end of a link over a connected unix stream socket, which
// it owns from then on. The other end is any process that speaks frames.
func NewUnix(conn *net.UnixConn) (*Link, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("link socket: %w", err)
	}
	// Best effort: a smaller buffer only makes smaller batches.
	_ = conn.SetWriteBuffer(socketBuffer)
	_ = conn.SetReadBuffer(socketBuffer)
	u := &unix{conn: conn, raw: raw}
	u.attempt = func(fd uintptr) bool {
		u.n, u.err = rawio.Write(int(fd), u.out)
		return true // never wait
	}
	u.arrive = func(fd uintptr) bool {
		u.read, u.inErr = rawio.Read(int(fd), u.in)
		if u.inErr != syscall.EAGAIN {
			return true
		}
		u.rest()
		return false // wait
	}
	return New(u), nil
}

// FromDescriptor returns the end of a link over an inherited or freshly made
// unix stream socket, whose descriptor it owns from then on.
func FromDescriptor(fd int) (*Link, error) {
	syscall.CloseOnExec(fd)
	if err := syscall.SetNonblock(fd, true); err != nil {
		return nil, fmt.Errorf("link descriptor %d: %w", fd, err)
	}
	f := os.NewFile(uintptr(fd), "link")
	defer f.Close() // FileConn has made its own copy
	c, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("link descriptor %d: %w", fd, err)
	}
	conn, ok := c.(*net.UnixConn)
	if !ok {
		c.Close()
		return nil, fmt.Errorf("link descriptor %d: not a unix socket", fd)
	}
	return NewUnix(conn)
}

func (u *unix) TryWrite(b []byte) (rest []byte, err error) {
	for len(b) > 0 {
		u.out = b
		if err := u.raw.Write(u.attempt); err != nil {
			return nil, err
		}
		u.out = nil
		switch {
		case u.err == nil:
			b = b[u.n:]
		case u.err == syscall.EAGAIN:
			return b, nil
		case u.err == syscall.EINTR:
		default:
			return nil, u.err
		}
	}
	return nil, nil
}

func (u *unix) Write(b []byte) error {
	_, err := u.conn.Write(b)
	return err
}

func (u *unix) Read(receive func(batch []byte) error, idle func()) error {
	u.idle = idle
	defer u.rest()
	buf := make([]byte, readBuffer)
	filled := 0
	for {
		n, err := u.receive(buf[filled:])
		filled += n
		used, need, bad := whole(buf[:filled])
		if used > 0 {
			if err := receive(buf[:used]); err != nil {
				return err
			}
			filled = copy(buf, buf[used:filled])
		}
		if bad != nil {
			return bad
		}
		if err != nil {
			return readError(err, filled)
		}
		buf = fit(buf, filled, need)
	}
}

// rest calls idle if something was received since its last call.
func (u *unix) rest() {
	if u.busy > 0 {
		u.busy = 0
		u.idle()
	}
}

// receive reads what is there, or waits for it.
func (u *unix) receive(p []byte) (int, error) {
	if u.busy >= readBuffer {
		u.rest() // a stream that never ends must not keep answers back
	}
	for {
		u.in = p
		if err := u.raw.Read(u.arrive); err != nil {
			return 0, err
		}
		switch {
		case u.inErr == syscall.EINTR:
		case u.inErr != nil:
			return 0, u.inErr
		case u.read == 0:
			return 0, io.EOF
		default:
			u.busy += u.read
			return u.read, nil
		}
	}
}

// readError tells the end of the other process from a failure: a process that
// is killed with unread frames leaves a reset.
func readError(err error, left int) error {
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
		if left > 0 {
			return &MalformedError{fmt.Sprintf("the link ended within a frame, after %d bytes of it", left)}
		}
		return nil
	}
	return err
}

// fit makes room for a frame of need bytes, and shrinks again after it.
func fit(buf []byte, filled, need int) []byte {
	size := max(readBuffer, need)
	if size == len(buf) || filled > size {
		return buf
	}
	b := make([]byte, size)
	copy(b, buf[:filled])
	return b
}

func (u *unix) Close() error { return u.conn.Close() }
