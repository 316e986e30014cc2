package nethost

import (
	"net"
	"sync"
)

// accepts is a net.Listener in memory.
type accepts struct {
	addr net.Addr

	mu     sync.Mutex // guards the fields below
	change sync.Cond
	queue  []net.Conn // bounded by the kernel's admission
	closed bool
}

var _ net.Listener = (*accepts)(nil)

func newAccepts(addr net.Addr) *accepts {
	a := &accepts{addr: addr}
	a.change.L = &a.mu
	return a
}

func (a *accepts) Addr() net.Addr { return a.addr }

func (a *accepts) Accept() (net.Conn, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.queue) == 0 && !a.closed {
		a.change.Wait()
	}
	if a.closed {
		return nil, net.ErrClosed
	}
	c := a.queue[0]
	a.queue[0] = nil
	a.queue = a.queue[1:]
	return c, nil
}

func (a *accepts) push(c net.Conn) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return false
	}
	a.queue = append(a.queue, c)
	a.change.Signal()
	return true
}

// Close makes Accept return, and turns away what it has not returned.
func (a *accepts) Close() error {
	a.mu.Lock()
	if a.closed {
		a.mu.Unlock()
		return net.ErrClosed
	}
	a.closed = true
	left := a.queue
	a.queue = nil
	a.change.Broadcast()
	a.mu.Unlock()
	for _, c := range left {
		s := ours(c).session
		s.abandon(s.listener.goneCause())
	}
	return nil
}
