package echo

import (
	"bytes"
	"sync"
	"sync/atomic"

	"github.com/netcore-go/netcore/sdk"
)

// backlogs are the messages that wait until their clients read. A connection
// has an entry while a retry is due for it; its window bounds the entry.
type backlogs struct {
	count atomic.Int64 // of entries, so that has takes no lock and no ID if there is none

	mu    sync.Mutex // guards the fields below
	queue map[string][]held
}

// A held message is a copy that is not acknowledged, so that it takes its share
// of the window.
type held struct {
	msg     sdk.Message
	release func()
}

// has reports whether messages of conn wait.
func (b *backlogs) has(conn sdk.Connection) bool {
	if b.count.Load() == 0 {
		return false
	}
	id := conn.ID()
	b.mu.Lock()
	defer b.mu.Unlock()
	_, ok := b.queue[id]
	return ok
}

// add puts msg behind those of conn that wait. It reports whether msg is the
// first, for which a retry must be started.
func (b *backlogs) add(conn sdk.Connection, msg sdk.Message) (first bool) {
	msg.Data = bytes.Clone(msg.Data) // it is valid until OnMessage returns
	id, h := conn.ID(), held{msg: msg, release: sdk.Hold(conn)}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.queue == nil {
		b.queue = make(map[string][]held)
	}
	q := b.queue[id]
	if len(q) == 0 {
		b.count.Add(1)
	}
	b.queue[id] = append(q, h)
	return len(q) == 0
}

// first is the message of conn that has waited longest.
func (b *backlogs) first(conn sdk.Connection) (sdk.Message, bool) {
	id := conn.ID()
	b.mu.Lock()
	defer b.mu.Unlock()
	q := b.queue[id]
	if len(q) == 0 {
		return sdk.Message{}, false
	}
	return q[0].msg, true
}

// done acknowledges first, and ends the entry with its last message.
func (b *backlogs) done(conn sdk.Connection) {
	id := conn.ID()
	b.mu.Lock()
	q := b.queue[id]
	if len(q) == 0 {
		b.mu.Unlock()
		return
	}
	release := q[0].release
	q[0] = held{}
	if q = q[1:]; len(q) > 0 {
		b.queue[id] = q
	} else {
		delete(b.queue, id)
		b.count.Add(-1)
	}
	b.mu.Unlock()
	release()
}

// drop ends conn's entry.
func (b *backlogs) drop(conn sdk.Connection) {
	if !b.has(conn) {
		return
	}
	for _, ok := b.first(conn); ok; _, ok = b.first(conn) {
		b.done(conn)
	}
}
