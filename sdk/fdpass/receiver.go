package fdpass

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"golang.org/x/sys/unix"
)

// ErrMissing: no descriptor has arrived, though a frame announced one.
var ErrMissing = errors.New("announced descriptor is missing")

// ErrViolation: what arrived is not one descriptor for one byte.
var ErrViolation = errors.New("descriptor channel violated")

// A Receiver takes what a Sender sent. Its methods may be called from any
// goroutine; the one that reads the link does.
type Receiver struct {
	mu sync.Mutex // guards fd, which Close takes away
	fd int        // -1 once closed
}

// NewReceiver returns a receiver over one end of a channel, which it owns from
// now on.
func NewReceiver(fd int) *Receiver { return &Receiver{fd: fd} }

// Receive returns the next descriptor, close-on-exec and otherwise as it was
// sent; the caller owns it. It never waits. Errors are ErrMissing; io.EOF if the
// sender has gone; ErrClosed; ErrViolation, which includes a descriptor that was
// lost because this process has no number free for it. After an ErrViolation
// bytes and frames may be out of step, and the channel is of no more use.
func (r *Receiver) Receive() (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fd < 0 {
		return -1, ErrClosed
	}
	var data [1]byte
	var oob [64]byte // room to see more than one, so that none stays open unseen
	n, oobn, flags, err := recvmsg(r.fd, data[:], oob[:])
	switch {
	case err == unix.EAGAIN:
		return -1, ErrMissing
	case err != nil:
		return -1, fmt.Errorf("receive descriptor: %w", err)
	case n == 0:
		return -1, io.EOF
	}
	fds := rights(oob[:oobn])
	if flags&unix.MSG_CTRUNC == 0 && len(fds) == 1 {
		return fds[0], nil
	}
	for _, fd := range fds {
		unix.Close(fd)
	}
	if flags&unix.MSG_CTRUNC != 0 {
		return -1, fmt.Errorf("%w: descriptors lost, more than one was sent or no more files can be open", ErrViolation)
	}
	return -1, fmt.Errorf("%w: a byte with %d descriptors", ErrViolation, len(fds))
}

// Close closes the receiver's end; what was sent and not received is closed with
// it. It may be called more than once.
func (r *Receiver) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fd < 0 {
		return nil
	}
	fd := r.fd
	r.fd = -1
	if err := unix.Close(fd); err != nil {
		return fmt.Errorf("close descriptor channel: %w", err)
	}
	return nil
}

func recvmsg(ch int, data, oob []byte) (n, oobn, flags int, err error) {
	for {
		n, oobn, flags, _, err = unix.Recvmsg(ch, data, oob, unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
		if err != unix.EINTR {
			return n, oobn, flags, err
		}
	}
}

// rights returns all descriptors in a control message, whatever else is in it.
func rights(oob []byte) []int {
	var all []int
	for len(oob) > 0 {
		h, data, rest, err := unix.ParseOneSocketControlMessage(oob)
		if err != nil {
			return all
		}
		m := unix.SocketControlMessage{Header: h, Data: data}
		if fds, err := unix.ParseUnixRights(&m); err == nil {
			all = append(all, fds...)
		}
		oob = rest
	}
	return all
}
