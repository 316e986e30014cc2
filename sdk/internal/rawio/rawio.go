// Package rawio reads and writes non-blocking descriptors without telling Go's
// scheduler.
//
// An ordinary system call gives its processor up in case that it takes long.
// These cannot wait, so that nothing is gained by it; and a process of few
// processors loses a lot: the runtime's monitor takes the processor away from a
// call that was merely interrupted, hands it to another thread, and stays awake
// for more. With one processor that was a sixth of a protocol plugin's time.
//
// The descriptors must be non-blocking.
package rawio

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Read is read(2); it is repeated when a signal interrupts it.
func Read(fd int, p []byte) (int, error) {
	return transfer(unix.SYS_READ, fd, p)
}

// Write is write(2); it is repeated when a signal interrupts it.
func Write(fd int, p []byte) (int, error) {
	return transfer(unix.SYS_WRITE, fd, p)
}

func transfer(call uintptr, fd int, p []byte) (int, error) {
	for {
		n, _, errno := unix.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
		switch errno {
		case 0:
			return int(n), nil
		case unix.EINTR:
		case unix.EAGAIN:
			return 0, unix.EAGAIN // errno as an error would be allocated
		default:
			return 0, errno
		}
	}
}

// EpollReady is epoll_wait(2) that does not wait.
func EpollReady(epoll int, events []unix.EpollEvent) (int, error) {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(epoll),
			uintptr(unsafe.Pointer(unsafe.SliceData(events))), uintptr(len(events)), 0, 0, 0)
		switch errno {
		case 0:
			return int(n), nil
		case unix.EINTR:
		default:
			return 0, errno
		}
	}
}
