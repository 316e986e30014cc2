package link

import "sync"

// memory carries batches within a process: a write is a call of the other end's
// receive function, in the goroutine that flushes. A chain of flushes of
// several links thus costs no goroutine switch.
type memory struct {
	peer   *memory
	ready  chan struct{} // closed when receive is set
	closed chan struct{}
	once   sync.Once

	mu      sync.Mutex // held while receive runs; guards the field below
	receive func(batch []byte) error
	idle    func()
	failed  error // what receive returned
}

// Pair returns the two ends of a link in memory.
func Pair() (a, b *Link) {
	x := &memory{ready: make(chan struct{}), closed: make(chan struct{})}
	y := &memory{ready: make(chan struct{}), closed: make(chan struct{})}
	x.peer, y.peer = y, x
	return New(x), New(y)
}

// TryWrite leaves b over until the other end runs.
func (m *memory) TryWrite(b []byte) (rest []byte, err error) {
	select {
	case <-m.peer.ready:
		return nil, m.peer.deliver(b)
	default:
		return b, nil
	}
}

func (m *memory) Write(b []byte) error {
	select {
	case <-m.peer.ready:
		return m.peer.deliver(b)
	case <-m.peer.closed:
		return ErrClosed
	case <-m.closed:
		return ErrClosed
	}
}

// deliver runs in the other end's goroutine.
func (m *memory) deliver(b []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.receive == nil {
		return ErrClosed
	}
	if err := m.receive(b); err != nil {
		m.failed, m.receive = err, nil
		m.idle()
		m.Close()
		return ErrClosed
	}
	m.idle()
	return nil
}

func (m *memory) Read(receive func(batch []byte) error, idle func()) error {
	m.mu.Lock()
	m.receive, m.idle = receive, idle
	m.mu.Unlock()
	close(m.ready)
	select {
	case <-m.closed:
	case <-m.peer.closed:
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.receive = nil
	return m.failed
}

func (m *memory) Close() error {
	m.once.Do(func() { close(m.closed) })
	return nil
}
