package handlerhost

import (
	"fmt"
	"time"

	"github.com/netcore-go/netcore/sdk/link"
)

// Handle acts on one frame; see [part.Part].
func (h *shard) Handle(f *link.Frame) error {
	if !h.batch {
		h.beginBatch()
	}
	err := h.handle(f)
	if err != nil {
		h.endBatch()
	}
	return err
}

// EndBatch flushes; see [part.Part].
func (h *shard) EndBatch() {
	if h.batch {
		h.endBatch()
	}
	if h.inline {
		h.out.flushNow()
	}
}

func (h *shard) beginBatch() {
	h.batch, h.now = true, time.Now()
	if h.inline {
		h.turn.Lock()
		h.out.batch.Store(true)
	}
}

func (h *shard) endBatch() {
	h.batch = false
	if h.inline {
		h.out.drain()
		h.out.batch.Store(false) // before the flush: see output.flush
		h.turn.Unlock()
	}
}

func (h *shard) handle(f *link.Frame) error {
	if f.Kind == link.Bind {
		h.last = nil // it may be that number's earlier binding
		return h.bind(f)
	}
	c := h.last
	if c == nil || c.number != f.Conn {
		c = h.lookup(f.Conn)
		h.last = c
	}
	if c != nil && c.epoch != f.Epoch {
		c = nil // late, or not for us
	}
	switch f.Kind {
	case link.Data:
		if c != nil {
			return h.data(c, f)
		}
	case link.Written:
		if c != nil {
			c.open(f.N, f.Aux)
		}
	case link.Unbind:
		if c != nil {
			h.last = nil
			h.unbind(c, f)
		}
	default:
		return fmt.Errorf("frame %v is not for a handler", f.Kind)
	}
	return nil
}
