// Package conntrack is the kernel's table of connections.
package conntrack

import (
	"sync"
	"sync/atomic"
)

// A number is a slot in the low bits and how often the slot was used above
// them, so that a lookup needs no hash and a number is never used again: a slot
// would have to be reused 2^40 times.
const (
	slotBits  = 24
	slotMask  = 1<<slotBits - 1
	chunkBits = 10
	chunkSize = 1 << chunkBits
	chunks    = 1 << (slotBits - chunkBits)
)

// Max is how many entries a table holds at most.
const Max = 1 << slotBits

type entry[T any] struct {
	id    atomic.Uint64 // 0 while free
	value atomic.Pointer[T]
}

// A Table maps numbers, which it gives out, to values. Get takes no lock. The
// zero value is ready to use; it must not be copied.
type Table[T any] struct {
	chunks [chunks]atomic.Pointer[[chunkSize]entry[T]]

	mu   sync.Mutex // guards the fields below, and writes to the chunks
	free []uint32   // slots to use again
	uses []uint64   // how often each slot was used
	len  int
}

// Insert gives v a number, which assign is told before anyone can find v, and
// reports whether there was room.
func (t *Table[T]) Insert(v *T, assign func(id uint64)) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	slot, ok := t.slotLocked()
	if !ok {
		return false
	}
	t.uses[slot]++
	id := t.uses[slot]<<slotBits | uint64(slot)
	assign(id)
	e := t.entry(slot)
	e.value.Store(v)
	e.id.Store(id)
	t.len++
	return true
}

func (t *Table[T]) slotLocked() (uint32, bool) {
	if n := len(t.free); n > 0 {
		slot := t.free[n-1]
		t.free = t.free[:n-1]
		return slot, true
	}
	slot := uint32(len(t.uses))
	if slot >= Max {
		return 0, false
	}
	t.uses = append(t.uses, 0)
	if chunk := &t.chunks[slot>>chunkBits]; chunk.Load() == nil {
		chunk.Store(new([chunkSize]entry[T]))
	}
	return slot, true
}

// Get returns the value of that number, or nil.
func (t *Table[T]) Get(id uint64) *T {
	e := t.entry(uint32(id & slotMask))
	if e == nil || e.id.Load() != id {
		return nil
	}
	v := e.value.Load()
	if e.id.Load() != id { // deleted, and perhaps used again, meanwhile
		return nil
	}
	return v
}

// Delete forgets a number and reports whether it was there.
func (t *Table[T]) Delete(id uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	slot := uint32(id & slotMask)
	e := t.entry(slot)
	if e == nil || id == 0 || e.id.Load() != id {
		return false
	}
	e.id.Store(0)
	e.value.Store(nil)
	t.free = append(t.free, slot)
	t.len--
	return true
}

// Len returns how many entries there are.
func (t *Table[T]) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.len
}

// All calls f with each entry until f returns false. Entries that come or go
// meanwhile may be missed. f may call any method of the table.
func (t *Table[T]) All(f func(id uint64, v *T) bool) {
	for i := range t.chunks {
		chunk := t.chunks[i].Load()
		if chunk == nil {
			return
		}
		for j := range chunk {
			e := &chunk[j]
			id := e.id.Load()
			if id == 0 {
				continue
			}
			if v := e.value.Load(); v != nil && e.id.Load() == id && !f(id, v) {
				return
			}
		}
	}
}

func (t *Table[T]) entry(slot uint32) *entry[T] {
	chunk := t.chunks[slot>>chunkBits].Load()
	if chunk == nil {
		return nil
	}
	return &chunk[slot&(chunkSize-1)]
}
