package kernel

import (
	"fmt"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/netcore-go/netcore/sdk/fdpass"
)

// localDescriptors is the descriptor socket of a plugin in this process: a
// queue of duplicates.
type localDescriptors struct {
	mu     sync.Mutex // guards the fields below
	queue  []int
	closed bool
}

func newLocalDescriptors() *localDescriptors { return &localDescriptors{} }

func (d *localDescriptors) send(fd int) error {
	dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("duplicate descriptor: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		unix.Close(dup)
		return fdpass.ErrClosed
	}
	d.queue = append(d.queue, dup)
	return nil
}

// Receive returns the oldest duplicate.
func (d *localDescriptors) Receive() (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.queue) == 0 {
		return -1, fdpass.ErrMissing
	}
	fd := d.queue[0]
	d.queue = d.queue[1:]
	return fd, nil
}

func (d *localDescriptors) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	for _, fd := range d.queue {
		unix.Close(fd)
	}
	d.queue = nil
}
