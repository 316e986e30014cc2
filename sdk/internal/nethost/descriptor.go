package nethost

import (
	"fmt"
	"net"
	"os"
	"syscall"
)

// connOf makes a connection of fd, which it owns from then on.
func connOf(fd int) (net.Conn, error) {
	f, err := fileOf(fd, "connection")
	if err != nil {
		return nil, err
	}
	defer f.Close() // FileConn has made its own copy
	c, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("descriptor %d: %w", fd, err)
	}
	return c, nil
}

// packetConnOf makes a packet socket of fd, which it owns from then on.
func packetConnOf(fd int) (net.PacketConn, error) {
	f, err := fileOf(fd, "listener")
	if err != nil {
		return nil, err
	}
	defer f.Close() // FilePacketConn has made its own copy
	pc, err := net.FilePacketConn(f)
	if err != nil {
		return nil, fmt.Errorf("descriptor %d: %w", fd, err)
	}
	return pc, nil
}

// fileOf makes fd non-blocking before any of the net package's copies, since
// the kernel's copy shares the mode.
func fileOf(fd int, name string) (*os.File, error) {
	if err := syscall.SetNonblock(fd, true); err != nil {
		discard(fd)
		return nil, fmt.Errorf("descriptor %d: %w", fd, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// discard closes a descriptor that nobody polls.
func discard(fd int) {
	_ = syscall.Close(fd) // there is nothing to be done about it
}

// maxDiscard bounds what hangUp reads, in pieces of 4 KiB.
const maxDiscard = 16

// hangUp ends both directions of c. Closing alone would not: the kernel holds a
// copy of the descriptor. What has been received and not read is thrown away,
// since the last close would answer it with a reset, which can take what was
// sent before from the peer.
func hangUp(c net.Conn) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return // closed already
	}
	_ = raw.Control(func(fd uintptr) {
		// An error says that the peer was first.
		_ = syscall.Shutdown(int(fd), syscall.SHUT_RDWR)
		var b [4096]byte
		for range maxDiscard {
			if n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_DONTWAIT); n <= 0 || err != nil {
				return
			}
		}
	})
}
