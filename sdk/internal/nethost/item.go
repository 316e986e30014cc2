package nethost

import (
	"fmt"
	"sync"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/link"
)

const (
	// maxParts bounds the messages of a connection that have begun to arrive,
	// in bytes. The kernel's windows are far below.
	maxParts = 64 << 20
	// maxPooled bounds a buffer that is kept for the next message, in bytes.
	maxPooled = 64 << 10
	// maxIdleQueue bounds the queue that an idle session keeps, in items.
	maxIdleQueue = 64
)

type itemKind uint8

const (
	itemMessage itemKind = iota
	itemEndReply
	itemPrepare
)

// An item is one thing to do with the peer.
type item struct {
	kind    itemKind
	typ     sdk.MessageType
	stream  uint64
	headers map[string]string
	data    *[]byte // of buffers; who takes the item out of the queue Puts it
	attempt *attempt
}

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// free gives the item's buffer back.
func (it *item) free() {
	if it.data == nil || cap(*it.data) > maxPooled {
		return
	}
	*it.data = (*it.data)[:0]
	buffers.Put(it.data)
	it.data = nil
}

func (it *item) message() sdk.Message {
	return sdk.Message{Type: it.typ, Data: *it.data, Headers: it.headers}.WithStream(it.stream)
}

// dataLocked puts messages together and queues them.
func (s *session) dataLocked(f *link.Frame) error {
	if s.dropping || s.ending != nil {
		return nil
	}
	it := s.parts[f.Stream]
	if it == nil {
		headers, err := link.Headers(f.Headers)
		if err != nil {
			return fmt.Errorf("message for connection %s: %w", s.id, err)
		}
		it = &item{typ: sdk.MessageType(f.Type), stream: f.Stream, headers: headers, data: buffers.Get().(*[]byte)}
	} else {
		s.partSize -= len(*it.data)
		delete(s.parts, f.Stream)
	}
	*it.data = append(*it.data, f.Payload...)
	if f.Flags&link.More == 0 {
		s.enqueueLocked(*it)
		return nil
	}
	return s.keepPartLocked(it)
}

// keepPartLocked keeps a message that is not whole.
func (s *session) keepPartLocked(it *item) error {
	if s.partSize+len(*it.data) > maxParts {
		s.sayLocked(link.CauseTooLarge)
		return nil
	}
	if s.parts == nil {
		s.parts = make(map[uint64]*item)
	}
	s.parts[it.stream] = it
	s.partSize += len(*it.data)
	return nil
}

// enqueueLocked has the runner do it after all that is queued.
func (s *session) enqueueLocked(it item) {
	if s.dropping || s.ending != nil {
		it.free()
		return
	}
	s.queue = append(s.queue, it)
	s.kickLocked()
}

// dropLocked empties the queue.
func (s *session) dropLocked() {
	s.dropping = true
	for i := range s.queue {
		if a := s.queue[i].attempt; a != nil {
			s.refuseMoveLocked(a, errEnding.Error())
		}
		s.queue[i].free()
	}
	s.queue, s.parts, s.partSize = nil, nil, 0
}
