package sdktest

import (
	"errors"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// localDescriptors is the descriptor socket of a plugin in this process.
type localDescriptors struct {
	mu     sync.Mutex // guards the fields below
	fds    []int
	closed bool
}

func (d *localDescriptors) send(fd int) error {
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		unix.Close(own)
		return unix.EPIPE
	}
	d.fds = append(d.fds, own)
	return nil
}

// Receive is the plugin's end.
func (d *localDescriptors) Receive() (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.fds) == 0 {
		return -1, errors.New("no descriptor was sent")
	}
	fd := d.fds[0]
	d.fds = d.fds[1:]
	return fd, nil
}

func (d *localDescriptors) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	for _, fd := range d.fds {
		unix.Close(fd)
	}
	d.fds = nil
}

// memory is how much this process has ever allocated.
func (l *local) memory() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.TotalAlloc)
}
