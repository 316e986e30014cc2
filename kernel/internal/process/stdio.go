package process

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// stdio are the first three descriptors of a process, and our ends of the two
// that are pipes. The child's ends are plain numbers, blocking as a program
// expects them; ours are in the poller, so that a read has a deadline.
type stdio struct {
	null, outChild, errChild int
	out, err                 *os.File
}

func openStdio() (*stdio, error) {
	null, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", os.DevNull, err)
	}
	s := &stdio{null: null, outChild: -1, errChild: -1}
	if s.out, s.outChild, err = pipe("stdout"); err == nil {
		s.err, s.errChild, err = pipe("stderr")
	}
	if err != nil {
		s.closeChild()
		s.closeOurs()
		return nil, err
	}
	return s, nil
}

func pipe(name string) (ours *os.File, child int, err error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return nil, -1, fmt.Errorf("pipe for %s: %w", name, err)
	}
	_ = unix.SetNonblock(fds[0], true)
	return os.NewFile(uintptr(fds[0]), name), fds[1], nil
}

func (s *stdio) closeChild() {
	for _, fd := range []int{s.null, s.outChild, s.errChild} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}

func (s *stdio) closeOurs() {
	s.out.Close() // a nil *os.File only returns an error
	s.err.Close()
}
