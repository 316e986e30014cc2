package sockstat

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Counters are what has passed through a socket since the connection began.
type Counters struct {
	// Consumed is how many bytes of the peer were read from the socket.
	Consumed uint64
	// Written is how many bytes were accepted by writes to the socket.
	Written uint64
	// QueuedIn bytes have arrived and wait to be read.
	QueuedIn int
	// QueuedOut bytes were written and are not acknowledged by the peer.
	QueuedOut int
	State     State
	// PeerClosed: the peer has ended its direction, or the connection is over.
	// Bytes may still wait to be read.
	PeerClosed bool
	// Final: the connection is over, orderly or not. Consumed and Written may
	// each be one too high.
	Final bool
	// Failed: an error, as a reset, waits for whoever reads or writes next.
	// [TakeError] tells which.
	Failed bool
}

// ErrUnsettled: the counters moved so fast that no consistent reading was had.
// It cannot last once nobody reads or writes the socket.
var ErrUnsettled = errors.New("socket counters are moving")

// Two views of the socket, ioctl and TCP_INFO, are not taken at one moment, so
// that a reading counts only if TCP_INFO is the same before and after it.
const tries = 32

// Read returns the counters of an accepted TCP socket.
func Read(fd int) (Counters, error) { return read(fd, 0) }

// ReadDialed returns the counters of a TCP socket that this host dialed. Its
// connect must have completed.
func ReadDialed(fd int) (Counters, error) { return read(fd, 1) }

func read(fd int, syn uint64) (Counters, error) {
	before, err := info(fd)
	if err != nil {
		return Counters{}, err
	}
	for range tries {
		in, err := ioctl(fd, unix.SIOCINQ, "SIOCINQ")
		if err != nil {
			return Counters{}, err
		}
		out, err := ioctl(fd, unix.SIOCOUTQ, "SIOCOUTQ")
		if err != nil {
			return Counters{}, err
		}
		after, err := info(fd)
		if err != nil {
			return Counters{}, err
		}
		if same(before, after) {
			c := count(after, in, out, syn)
			c.Failed, err = failed(fd)
			return c, err
		}
		before = after
	}
	return Counters{}, ErrUnsettled
}

func same(a, b *unix.TCPInfo) bool {
	return a.State == b.State && a.Bytes_received == b.Bytes_received && a.Bytes_acked == b.Bytes_acked
}

// count applies the formulas of the package comment.
func count(t *unix.TCPInfo, in, out int, syn uint64) Counters {
	s := State(t.State)
	c := Counters{QueuedIn: in, QueuedOut: out, State: s, PeerClosed: s.peerClosed(), Final: s == Close || s == TimeWait}
	c.Consumed = sub(t.Bytes_received, uint64(in))
	c.Written = sub(t.Bytes_acked+uint64(out), syn)
	if s.finReceived() {
		c.Consumed = sub(c.Consumed, 1)
	}
	if s.finQueued() {
		c.Written = sub(c.Written, 1)
		// A FIN that is not acknowledged is in SIOCOUTQ; the two states
		// behind the acknowledgement have an empty queue.
		c.QueuedOut = max(out-1, 0)
	}
	return c
}

// sub is a - b, but never below zero: a count that wraps would look like an
// enormous stream.
func sub(a, b uint64) uint64 {
	if b > a {
		return 0
	}
	return a - b
}

func info(fd int) (*unix.TCPInfo, error) {
	t, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return nil, fmt.Errorf("TCP_INFO of descriptor %d: %w", fd, err)
	}
	return t, nil
}

func ioctl(fd int, req uint, name string) (int, error) {
	n, err := unix.IoctlGetInt(fd, req)
	if err != nil {
		return 0, fmt.Errorf("%s of descriptor %d: %w", name, fd, err)
	}
	return n, nil
}

// failed reports a pending error by poll, since SO_ERROR would take it away
// from the plugin that reads the socket.
func failed(fd int) (bool, error) {
	p := []unix.PollFd{{Fd: int32(fd)}}
	for {
		_, err := unix.Poll(p, 0)
		if err == nil {
			return p[0].Revents&unix.POLLERR != 0, nil
		}
		if !errors.Is(err, unix.EINTR) {
			return false, fmt.Errorf("poll descriptor %d: %w", fd, err)
		}
	}
}
