package fdpass

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// ErrClosed: the sender or receiver was closed.
var ErrClosed = errors.New("descriptor channel closed")

// Pair returns the two ends of a channel, raw, non-blocking and close-on-exec.
// Whoever passes childEnd to a process duplicates it there; the caller closes
// both ends, or gives each to NewSender or NewReceiver, which own it then.
func Pair() (kernelEnd, childEnd int, err error) {
	p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, -1, fmt.Errorf("descriptor channel: %w", err)
	}
	return p[0], p[1], nil
}
