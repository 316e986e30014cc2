package streamhost

import (
	"fmt"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/link"
)

// maxAssembly bounds the messages of a connection that are arriving in parts,
// together, in bytes.
const maxAssembly = 64 << 20

// An assembly is a message of the kernel of which parts have arrived. Those of a
// connection form a list; there are as many as streams that are being answered.
type assembly struct {
	next    *assembly
	stream  uint64
	headers []byte
	data    *buffer
}

// dataLocked takes a DATA frame of the kernel.
func (c *conn) dataLocked(w *worker, f *link.Frame) {
	if c.parts == nil && f.Flags&link.More == 0 {
		c.encodeLocked(w, f, f.Headers, f.Payload)
		return
	}
	at := &c.parts
	for *at != nil && (*at).stream != f.Stream {
		at = &(*at).next
	}
	a := *at
	if a == nil {
		if f.Flags&link.More == 0 {
			c.encodeLocked(w, f, f.Headers, f.Payload)
			return
		}
		a = c.host.newAssembly(f)
		*at = a
	}
	if c.assembledLocked()+len(f.Payload) > maxAssembly {
		c.dropPartsLocked()
		c.muteLocked(w, link.CauseTooLarge, fmt.Errorf("message of more than %d bytes: %w", maxAssembly, sdk.ErrTooLarge))
		return
	}
	if need := len(a.data.b) + len(f.Payload); need > cap(a.data.b) {
		a.data = c.host.buffers.grow(a.data, 2*need)
	}
	a.data.b = append(a.data.b, f.Payload...)
	if f.Flags&link.More != 0 {
		return
	}
	*at = a.next
	c.encodeLocked(w, f, a.headers, a.data.b)
	c.host.freeAssembly(a)
}

// newAssembly begins a message with its first part.
func (h *Host) newAssembly(f *link.Frame) *assembly {
	a, ok := h.assemblies.Get().(*assembly)
	if !ok {
		a = new(assembly)
	}
	a.stream, a.headers = f.Stream, append(a.headers[:0], f.Headers...)
	a.data = h.buffers.get(4 * link.MaxChunk)
	return a
}

func (h *Host) freeAssembly(a *assembly) {
	h.buffers.put(a.data)
	a.next, a.data = nil, nil
	if cap(a.headers) <= link.MaxChunk {
		h.assemblies.Put(a)
	}
}

// assembledLocked is how many bytes have arrived of messages that are not whole.
func (c *conn) assembledLocked() (n int) {
	for a := c.parts; a != nil; a = a.next {
		n += len(a.data.b) + len(a.headers)
	}
	return n
}

func (c *conn) dropPartsLocked() {
	for a := c.parts; a != nil; a = c.parts {
		c.parts = a.next
		c.host.freeAssembly(a)
	}
}
