package sockstat

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// TakeError returns the socket's pending error and clears it; nil if there is
// none. Nobody else may still be reading or writing the socket, since he would
// miss it.
func TakeError(fd int) error {
	n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return fmt.Errorf("SO_ERROR of descriptor %d: %w", fd, err)
	}
	if n == 0 {
		return nil
	}
	return unix.Errno(n)
}

// Reset closes the descriptor such that the peer sees a reset. It is one only
// if no other copy of the descriptor is left in any process; otherwise the last
// one to close it sends the reset. The descriptor is closed even if there is an
// error.
func Reset(fd int) error {
	lerr := unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	if err := unix.Close(fd); err != nil {
		return fmt.Errorf("close descriptor %d: %w", fd, err)
	}
	if lerr != nil {
		return fmt.Errorf("SO_LINGER of descriptor %d: %w", fd, lerr)
	}
	return nil
}

// ShutdownBoth ends both directions for every holder of the socket: readers see
// the end of the stream, writers EPIPE. The descriptor stays open. A connection
// that is over already is no error.
func ShutdownBoth(fd int) error {
	if err := unix.Shutdown(fd, unix.SHUT_RDWR); err != nil && err != unix.ENOTCONN {
		return fmt.Errorf("shutdown descriptor %d: %w", fd, err)
	}
	return nil
}
