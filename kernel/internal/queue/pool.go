package queue

import (
	"math/bits"
	"sync"
)

// Size classes of a Pool are powers of two, 256 bytes to 1 MiB. What is larger is
// left to the garbage collector.
const (
	minClass = 8
	maxClass = 20
)

// A Pool lends queues the buffers that they need while they hold something. Its
// zero value is ready to use, by any number of queues.
type Pool struct {
	classes [maxClass - minClass + 1]sync.Pool
}

// get returns an empty buffer with room for n bytes.
func (p *Pool) get(n int) *[]byte {
	class := max(bits.Len(uint(n-1)), minClass)
	if class > maxClass {
		b := make([]byte, 0, n+n/4)
		return &b
	}
	if b, ok := p.classes[class-minClass].Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, 0, 1<<class)
	return &b
}

// put takes a buffer of get back.
func (p *Pool) put(b *[]byte) {
	if class := bits.Len(uint(cap(*b))) - 1; class <= maxClass {
		*b = (*b)[:0]
		p.classes[class-minClass].Put(b)
	}
}
