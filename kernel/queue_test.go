package kernel_test

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"testing"

	"github.com/netcore-go/netcore/kernel"
)

func policy(p kernel.QueuePolicy, bytes int) func(*kernel.Config, *rig) {
	return func(c *kernel.Config, _ *rig) {
		c.Listeners[0].QueuePolicy = p
		c.Listeners[0].Limits.QueueBytes = bytes
	}
}

// The flood that a client asks for and does not read: far more than sockets and
// queues hold.
const (
	floodMessages = 4000
	floodSize     = 16 << 10
)

func flood() string { return fmt.Sprintf("!flood %d %d", floodMessages, floodSize) }

// TestQueueBlock: a handler waits for a slow reader, who misses nothing, and
// others are served meanwhile.
func TestQueueBlock(t *testing.T) {
	r := start(t, local, policy(kernel.QueueBlock, 0))
	slow, other := dial(t, r.addr()), dial(t, r.addr())
	must(t, slow.send(flood()))
	for range 50 {
		mustEcho(t, other)
	}
	for i := range uint64(floodMessages) {
		msg, err := slow.receive()
		if err != nil || len(msg) != floodSize || binary.BigEndian.Uint64([]byte(msg)) != i {
			t.Fatalf("message %d: %d bytes, %v", i, len(msg), err)
		}
	}
	mustEcho(t, slow)
	if n := r.k.Status().Listeners[0].Dropped; n != 0 {
		t.Errorf("%d dropped, want none", n)
	}
}

// TestQueueDrop: what does not fit is dropped, newest first, and counted.
func TestQueueDrop(t *testing.T) {
	r := start(t, local, policy(kernel.QueueDrop, 256<<10))
	slow := dial(t, r.addr())
	must(t, slow.send(flood()))
	eventually(t, func() error { // the handler has sent it all when the kernel has dropped the last
		if c := r.k.Connections(0, ""); len(c) != 1 || c[0].Queued == 0 || r.k.Status().Listeners[0].Dropped == 0 {
			return fmt.Errorf("connection is %+v", c)
		}
		return nil
	})
	var got int64
	last := int64(-1)
	for {
		dropped := r.k.Status().Listeners[0].Dropped
		if got+dropped == floodMessages {
			break
		}
		msg, err := slow.receive()
		must(t, err)
		n := int64(binary.BigEndian.Uint64([]byte(msg)))
		if n <= last {
			t.Fatalf("message %d after %d", n, last)
		}
		last = n
		got++
	}
	mustEcho(t, slow)
}

// TestQueueClose: a client that does not read is closed.
func TestQueueClose(t *testing.T) {
	r := start(t, process, policy(kernel.QueueClose, 256<<10))
	other := dial(t, r.addr())
	for range 5 {
		slow := dial(t, r.addr())
		must(t, slow.send(flood()))
		var err error
		for err == nil { // it reads, and too slowly: what was written is acknowledged late
			_, err = slow.receive()
		}
		if !closed(err) {
			t.Errorf("receive() = %v, want the end of the connection", err)
		}
		mustEcho(t, other)
	}
	eventually(t, func() error { return r.connections(1) })
	for _, p := range r.k.Status().Plugins {
		if p.Deaths != 0 {
			t.Errorf("status = %+v, want no death", p)
		}
	}
}

// TestSlowReadersTakeBoundedMemory: 64 clients that do not read are in a room
// that is flooded with 512 MiB.
func TestSlowReadersTakeBoundedMemory(t *testing.T) {
	const readers, bound = 64, 128 << 10
	r := start(t, process, policy(kernel.QueueBlock, bound))
	slow := dialAll(t, r.addr(), readers)
	for _, c := range slow {
		mustAsk(t, c, "!join room", "ok")
	}
	caster := dial(t, r.addr())
	before := heap()
	for range 8 {
		mustAsk(t, caster, "!cast room 64 16384", "ok")
	}
	grown := heap() - before
	// A message more than the bound, twice since a queue moves up only when half
	// of its buffer is free, and twice for the buffer's growth.
	if limit := int64(readers * 4 * (bound + 20<<10)); grown > limit {
		t.Errorf("the heap grew by %d KiB, want at most %d", grown>>10, limit>>10)
	}
	for _, c := range r.k.Connections(0, "") {
		if c.Queued > bound+20<<10 {
			t.Errorf("%d bytes are queued for %s, want at most %d and a message", c.Queued, c.ID, bound)
		}
	}
	if r.k.Status().Listeners[0].Dropped == 0 {
		t.Error("nothing was dropped: the flood was too small")
	}
	mustEcho(t, caster)
	for range 3 { // they read again, and go on
		for _, c := range slow {
			if _, err := c.receive(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC() // what pools hold goes with the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
