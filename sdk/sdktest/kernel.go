package sdktest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/netcore-go/netcore/sdk/link"
)

// patience is how long a test waits for what must happen.
const patience = 15 * time.Second

// patienceOf is patience, or less if the test's own end is near: what was waited
// for is to be said before that.
func patienceOf(t testing.TB) time.Duration {
	if d, ok := t.(interface{ Deadline() (time.Time, bool) }); ok {
		if end, ok := d.Deadline(); ok {
			return min(patience, time.Until(end)/4)
		}
	}
	return patience
}

// A Kernel stands in for the kernel of netcore. It belongs to one test, whose
// goroutine calls its methods and those of what it returns.
type Kernel struct {
	t testing.TB

	mu        sync.Mutex // guards the fields below, and those of Conn, Client and Listener
	change    *sync.Cond // something has come
	instances []*Instance
	conns     map[uint64]*Conn
	clients   map[uint64]*Client
	listeners []*Listener
	rooms     map[string]map[uint64]*Client
	lastID    uint64
	stale     int
	dirty     []*link.Link // to flush when the lock is given up
}

// NewKernel returns a kernel without plugins. It ends with the test.
func NewKernel(t testing.TB) *Kernel {
	k := &Kernel{t: t, conns: make(map[uint64]*Conn), clients: make(map[uint64]*Client), rooms: make(map[string]map[uint64]*Client)}
	k.change = sync.NewCond(&k.mu)
	t.Cleanup(k.Close)
	return k
}

// Close ends all instances and connections, and returns when nothing of them
// is left. It may be called more than once.
func (k *Kernel) Close() {
	k.mu.Lock()
	instances := k.instances
	k.mu.Unlock()
	for _, in := range instances {
		in.close()
	}
	k.mu.Lock()
	defer k.mu.Unlock() // nothing is queued any more
	for _, c := range k.conns {
		c.releaseLocked()
		if c.Client != nil {
			_ = c.Client.Close() // the test may have done so
		}
	}
	for _, l := range k.listeners {
		l.close()
	}
}

// Stale is how many frames were dropped because they were late, or for a
// connection that is not the sender's.
func (k *Kernel) Stale() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.stale
}

// unlock gives up the lock and flushes what was queued under it.
func (k *Kernel) unlock() {
	dirty := k.dirty
	k.dirty = nil
	k.mu.Unlock()
	for _, l := range dirty {
		l.Flush()
	}
}

// sendLocked queues a frame for in.
func (k *Kernel) sendLocked(in *Instance, f *link.Frame) {
	in.link.Append(f)
	for _, l := range k.dirty {
		if l == in.link {
			return
		}
	}
	k.dirty = append(k.dirty, in.link)
}

// wait waits until ok, which is called with the lock held, and fails the test
// if that is never.
func (k *Kernel) wait(ok func() bool, format string, args ...any) {
	k.t.Helper()
	if !k.await(ok) {
		k.t.Fatalf("never: "+format, args...)
	}
}

func (k *Kernel) await(ok func() bool) bool {
	limit := patienceOf(k.t)
	deadline := time.Now().Add(limit)
	timer := time.AfterFunc(limit, func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.change.Broadcast()
	})
	defer timer.Stop()
	k.mu.Lock()
	defer k.mu.Unlock()
	for !ok() {
		if !time.Now().Before(deadline) {
			return false
		}
		k.change.Wait()
	}
	return true
}

// violation says on the test what a plugin did against the contract.
func (k *Kernel) violation(in *Instance, f *link.Frame, format string, args ...any) {
	k.t.Errorf("plugin %s, connection %s: %v: %s", in.name, link.FormatID(f.Conn), f.Kind, fmt.Sprintf(format, args...))
}

func (k *Kernel) nextIDLocked() uint64 {
	k.lastID++
	return k.lastID
}

// marshal encodes a payload of the kernel, all of whose strings are valid.
func marshal(m proto.Message) []byte {
	b, err := proto.Marshal(m)
	if err != nil {
		panic(err)
	}
	return b
}

// poll waits for what no frame tells of.
func poll(t testing.TB, ok func() bool, format string, args ...any) {
	t.Helper()
	tick := time.NewTicker(200 * time.Microsecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patienceOf(t)); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("never: "+format, args...)
		}
	}
}
