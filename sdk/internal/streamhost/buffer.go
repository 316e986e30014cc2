package streamhost

import (
	"math/bits"
	"sync"
)

// Size classes of the pool are powers of two: 256 bytes to 2 MiB. What is larger
// is left to the garbage collector.
const (
	minClass = 8
	maxClass = 21
)

// A buffer is bytes on their way from or to a socket. A connection has one for
// its unread and one for its unsent bytes only while there are such bytes.
type buffer struct {
	b   []byte
	off int // b[:off] has been written
}

// A pool keeps buffers by size class. Its zero value is ready for use.
type pool struct {
	classes [maxClass - minClass + 1]sync.Pool
}

// get returns an empty buffer with room for n bytes.
func (p *pool) get(n int) *buffer {
	class := max(bits.Len(uint(max(n, 1)-1)), minClass)
	if class > maxClass {
		return &buffer{b: make([]byte, 0, n)}
	}
	if b, ok := p.classes[class-minClass].Get().(*buffer); ok {
		return b
	}
	return &buffer{b: make([]byte, 0, 1<<class)}
}

// put takes b back; nil is nothing. A buffer that a codec has grown or replaced
// goes to the largest class that it can serve.
func (p *pool) put(b *buffer) {
	if b == nil {
		return
	}
	class := bits.Len(uint(cap(b.b))) - 1
	if class < minClass || cap(b.b) > 1<<maxClass {
		return
	}
	b.b, b.off = b.b[:0], 0
	p.classes[class-minClass].Put(b)
}

// grow returns a buffer with b's bytes and room for n in all, and takes b back
// if it is another one.
func (p *pool) grow(b *buffer, n int) *buffer {
	if b != nil && cap(b.b) >= n {
		return b
	}
	g := p.get(n)
	if b != nil {
		g.b, g.off = append(g.b, b.b...), b.off
		p.put(b)
	}
	return g
}
