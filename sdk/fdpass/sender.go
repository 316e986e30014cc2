package fdpass

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// DefaultTimeout is how long a Sender waits for a receiver whose buffer is full.
const DefaultTimeout = 2 * time.Second

// MaxMany is how many descriptors SendMany takes.
const MaxMany = 128

// ErrHung: the receiver did not take what was sent to it in time.
var ErrHung = errors.New("receiver of descriptors does not read")

// A Sender sends descriptors. Its methods may be called from any goroutine;
// descriptors arrive in the order in which the calls began to send.
type Sender struct {
	file *os.File // the channel's own end, in Go's poller
	conn syscall.RawConn
	// Timeout bounds the wait of one Send for room in the buffer. It is set
	// before the first Send. If zero, DefaultTimeout.
	Timeout time.Duration

	closed atomic.Bool
	mu     sync.Mutex // held for the whole of Send and SendMany: it keeps their order
}

// NewSender returns a sender over one end of a channel, which it owns from now
// on, also if there is an error. The end must be non-blocking and its
// description not shared with anybody.
func NewSender(fd int) (*Sender, error) {
	f := os.NewFile(uintptr(fd), "descriptor channel")
	if f == nil {
		return nil, fmt.Errorf("descriptor channel %d: %w", fd, unix.EBADF)
	}
	c, err := f.SyscallConn()
	if err == nil {
		err = f.SetWriteDeadline(time.Time{}) // fails unless the poller has it
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("descriptor channel %d: %w", fd, err)
	}
	return &Sender{file: f, conn: c}, nil
}

// Send sends a copy of fd; the caller keeps its own. When Send has returned nil
// the copy is in the receiver's buffer. Errors are ErrHung, ErrClosed or of the
// system: EPIPE if the receiver has gone, EBADF if fd is none, ETOOMANYREFS if
// more descriptors are under way than the limit on open files allows.
func (s *Sender) Send(fd int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sendLocked(fd)
}

// SendMany sends copies of up to MaxMany descriptors without another Send in
// between. It returns how many were sent before the error.
func (s *Sender) SendMany(fds []int) (int, error) {
	if len(fds) > MaxMany {
		return 0, fmt.Errorf("send %d descriptors at once: at most %d", len(fds), MaxMany)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, fd := range fds {
		if err := s.sendLocked(fd); err != nil {
			return i, err
		}
	}
	return len(fds), nil
}

func (s *Sender) sendLocked(fd int) error {
	err := s.transmit(fd)
	switch {
	case err == nil:
		return nil
	case s.closed.Load():
		return ErrClosed
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("send descriptor %d: %w in %v", fd, ErrHung, s.timeout())
	}
	return fmt.Errorf("send descriptor %d: %w", fd, err)
}

// transmit tries at once, and arms the deadline only if the buffer is full:
// nearly always it is not.
func (s *Sender) transmit(fd int) error {
	msg := unix.UnixRights(fd)
	var serr error
	if err := s.conn.Control(func(ch uintptr) { serr = sendmsg(ch, msg) }); err != nil {
		return err
	}
	if serr != unix.EAGAIN {
		return serr
	}
	if err := s.file.SetWriteDeadline(time.Now().Add(s.timeout())); err != nil {
		return err
	}
	err := s.conn.Write(func(ch uintptr) bool {
		serr = sendmsg(ch, msg)
		return serr != unix.EAGAIN
	})
	if err != nil {
		return err
	}
	return serr
}

func (s *Sender) timeout() time.Duration {
	if s.Timeout > 0 {
		return s.Timeout
	}
	return DefaultTimeout
}

// Close closes the sender's end and wakes a Send that waits. It may be called
// more than once.
func (s *Sender) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	if err := s.file.Close(); err != nil {
		return fmt.Errorf("close descriptor channel: %w", err)
	}
	return nil
}

// sendmsg sends one byte and oob. MSG_NOSIGNAL: a receiver that has gone is an
// error, not a signal.
func sendmsg(ch uintptr, oob []byte) error {
	for {
		err := unix.Sendmsg(int(ch), []byte{0}, oob, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		if err != unix.EINTR {
			return err
		}
	}
}
