package count

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// dialers is how many connections are made side by side.
const dialers = 16

var numbers atomic.Uint64 // the last connection's

// A Tally counts what must not be.
type Tally struct {
	// Lost messages have no answer although later ones have, or although the
	// connection lives and has had time.
	Lost int
	// Doubled, Reordered, Corrupted and Foreign are answers.
	Doubled, Reordered, Corrupted, Foreign int
}

// A Fleet is a number of clients. Its methods may be called from any goroutine.
type Fleet struct {
	sent    atomic.Int64 // messages
	answers atomic.Int64
	ends    atomic.Int64 // of connections, not by this side

	mu     sync.Mutex // guards the fields below; taken after a connection's mu
	tally  Tally
	faults []string // the first ones
	conns  []*Conn
}

// maxFaults is how many faults are described.
const maxFaults = 20

// Dial connects n clients.
func Dial(ctx context.Context, address string, n int) (*Fleet, error) {
	f := new(Fleet)
	return f, f.Grow(ctx, address, n)
}

// Grow connects n clients more.
func (f *Fleet) Grow(ctx context.Context, address string, n int) error {
	var left atomic.Int64
	left.Store(int64(n))
	errs := make(chan error, dialers) // capacity: one of each
	for range dialers {
		go func() { // ends when nothing is left
			for left.Add(-1) >= 0 {
				if _, err := f.Add(ctx, address); err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	var first error
	for range dialers {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	return first
}

// Add connects one client more.
func (f *Fleet) Add(ctx context.Context, address string) (*Conn, error) {
	var d net.Dialer
	nc, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	c := &Conn{Number: numbers.Add(1), fleet: f, c: nc, done: make(chan struct{})}
	f.mu.Lock()
	f.conns = append(f.conns, c)
	f.mu.Unlock()
	go c.read() // ends with the connection
	return c, nil
}

// Conns returns all clients.
func (f *Fleet) Conns() []*Conn {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]*Conn(nil), f.conns...)
}

// Prune forgets the clients that have ended, and returns how many those were.
func (f *Fleet) Prune() int {
	f.mu.Lock()
	all := f.conns
	f.mu.Unlock()
	alive := make([]*Conn, 0, len(all))
	for _, c := range all {
		if c.End() == nil {
			alive = append(alive, c)
		}
	}
	f.mu.Lock()
	f.conns = alive
	f.mu.Unlock()
	return len(all) - len(alive)
}

// Close ends all clients in order.
func (f *Fleet) Close() {
	for _, c := range f.Conns() {
		c.Close()
	}
}

// Answers is how many answers have come.
func (f *Fleet) Answers() int64 { return f.answers.Load() }

// Sent is how many messages were sent.
func (f *Fleet) Sent() int64 { return f.sent.Load() }

// Ends is how many connections have ended, not by this side.
func (f *Fleet) Ends() int { return int(f.ends.Load()) }

// fault counts a fault and describes it. c.mu may be held.
func (f *Fleet) fault(counter *int, what string, c *Conn, seq uint64, detail string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	*counter++
	if len(f.faults) < maxFaults {
		f.faults = append(f.faults, fmt.Sprintf("%s %s: connection %d (%v), message %d: %s",
			time.Now().Format("15:04:05.000"), what, c.Number, c.c.LocalAddr(), seq, detail))
	}
}
