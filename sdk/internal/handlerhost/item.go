package handlerhost

import (
	"sync"
	"time"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/link"
)

// maxSpare bounds the buffer that an unused item keeps, in bytes.
const maxSpare = 64 << 10

type itemKind uint8

const (
	itemMessage itemKind = iota
	itemBind
	itemUnbind
	itemTimer
)

// An item is what happens to a connection at its turn.
type item struct {
	kind  itemKind
	flags link.Flags
	next  *item

	// A message.
	stream  uint64
	typ     sdk.MessageType
	at      time.Time
	headers map[string]string
	buf     []byte
	size    uint64 // of the message, also where buf is not kept

	lost  uint32               // bind
	cause link.Cause           // unbind
	f     func(sdk.Connection) // timer
}

var items = sync.Pool{New: func() any { return new(item) }}

// newItem returns an item, which whoever runs it frees.
func newItem(kind itemKind) *item {
	it := items.Get().(*item)
	it.kind = kind
	return it
}

func (it *item) free() {
	buf := it.buf[:0]
	if cap(buf) > maxSpare {
		buf = nil
	}
	*it = item{buf: buf}
	items.Put(it)
}

// add appends a chunk. Of a message that is too large only the size is kept.
func (it *item) add(chunk []byte) {
	it.size += uint64(len(chunk))
	if it.size > maxMessage {
		it.buf = nil
		return
	}
	it.buf = append(it.buf, chunk...)
}
