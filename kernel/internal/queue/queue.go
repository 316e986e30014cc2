// Package queue holds what waits for one connection: encoded frames, grouped
// into messages.
//
//	 head            sent                  whole      tail
//	  │ written out?   │ may be written out   │ still    │
//	  ▼                ▼                      ▼ arriving ▼
//	──┬────────────────┬──────────────────────┬──────────┬──
//
// Messages are pushed frame by frame at the tail, handed on at sent, and kept
// until they are known to have been written, so that a successor can be given
// again what its predecessor did not write.
package queue

import "encoding/binary"

// prefix precedes each frame: its size, its credit, and flags.
const prefix = 9

// small is the largest buffer that a queue keeps while it is empty, in bytes:
// enough for a short message at a time.
const small = 256

const (
	last   = 1 << iota // the message ends with this frame
	credit             // the sender's window opens when the message is done
	note               // no message: nobody says that it was written
)

// A Queue is one connection's. It is not safe for concurrent use.
type Queue struct {
	pool        *Pool
	lent        *[]byte // buf is its memory, if not nil
	buf         []byte
	head        int // offset of the oldest frame kept
	sent        int // offset of the next frame to hand on
	whole       int // offset behind the last whole message
	unsent      int // payload bytes of the messages from sent on
	outstanding int // messages between head and sent
	outBytes    int // their bytes
}

// A Done is what Written and Drop account for.
type Done struct {
	Messages, Bytes int // all; bytes of frames
	Credit          int // of these messages, those whose sender has a window
	CreditBytes     int // what the window opens by
}

// New returns an empty queue that borrows from pool.
func New(pool *Pool) Queue { return Queue{pool: pool} }

// NoCredit is for messages whose sender has no window.
const NoCredit = -1

// Push adds a frame. end says that the message ends with it; window is how many
// bytes its sender's window opens by when the message is done, or NoCredit.
func (q *Queue) Push(frame []byte, end bool, window int) {
	var flags byte
	if end {
		flags |= last
	}
	if window != NoCredit {
		flags |= credit
	} else {
		window = 0
	}
	q.push(frame, window, flags)
	if end {
		q.whole = len(q.buf)
	}
}

// PushNote adds a frame that keeps its place among the messages but is none: it
// is handed on once all before it are, and forgotten when they are written. No
// message is arriving.
func (q *Queue) PushNote(frame []byte) {
	q.push(frame, 0, last|note)
	q.whole = len(q.buf)
}

func (q *Queue) push(frame []byte, window int, flags byte) {
	q.reserve(prefix + len(frame))
	q.buf = binary.LittleEndian.AppendUint32(q.buf, uint32(len(frame)))
	q.buf = binary.LittleEndian.AppendUint32(q.buf, uint32(window))
	q.buf = append(q.buf, flags)
	q.buf = append(q.buf, frame...)
	q.unsent += len(frame)
}

// Bytes returns how many bytes of frames the queue holds.
func (q *Queue) Bytes() int { return q.unsent + q.outBytes }

// Outstanding returns how many messages were handed on and are not written, and
// their bytes.
func (q *Queue) Outstanding() (messages, bytes int) { return q.outstanding, q.outBytes }

// Pending reports whether a whole message waits to be handed on.
func (q *Queue) Pending() bool { return q.sent < q.whole }

// Next hands on the next frame of a whole message, which points into the queue
// until its next change; end says that the message ends with it. It returns nil
// if there is none.
func (q *Queue) Next() (frame []byte, end bool) {
	if q.sent >= q.whole {
		return nil, false
	}
	frame, flags := q.at(q.sent)
	q.sent += prefix + len(frame)
	q.unsent -= len(frame)
	q.outBytes += len(frame)
	if flags&(last|note) == last {
		q.outstanding++
	}
	return frame, flags&last != 0
}

// Settle forgets the notes that were handed on and wait for no message. What
// Next has returned must not be used any more.
func (q *Queue) Settle() {
	for q.head < q.sent {
		frame, flags := q.at(q.head)
		if flags&note == 0 {
			break
		}
		q.head += prefix + len(frame)
		q.outBytes -= len(frame)
	}
	q.compact()
}

// Written forgets the n oldest messages that were handed on. It does nothing
// and returns false if there are fewer.
func (q *Queue) Written(n int) (Done, bool) {
	if n > q.outstanding {
		return Done{}, false
	}
	var d Done
	for d.Messages < n {
		frame, flags := q.at(q.head) // a note, too
		d.add(frame, flags, q.window(q.head))
		q.head += prefix + len(frame)
		q.outBytes -= len(frame)
	}
	q.outstanding -= n
	q.Settle()
	return d, true
}

// Rewind takes back what was handed on and not written: it is handed on again.
func (q *Queue) Rewind() {
	q.sent = q.head
	q.unsent += q.outBytes
	q.outstanding, q.outBytes = 0, 0
}

// Notes calls f with each note that is to be handed on.
func (q *Queue) Notes(f func(frame []byte)) {
	for at := q.sent; at < q.whole; {
		frame, flags := q.at(at)
		at += prefix + len(frame)
		if flags&note != 0 {
			f(frame)
		}
	}
}

// Disown has no window open for what is in the queue: its sender has gone.
func (q *Queue) Disown() {
	for at := q.head; at < len(q.buf); {
		frame, _ := q.at(at)
		binary.LittleEndian.PutUint32(q.buf[at+4:], 0)
		q.buf[at+8] &^= credit
		at += prefix + len(frame)
	}
}

// Truncate drops the frames of a message that is still arriving.
func (q *Queue) Truncate() {
	for at := q.whole; at < len(q.buf); {
		frame, _ := q.at(at)
		at += prefix + len(frame)
		q.unsent -= len(frame)
	}
	q.buf = q.buf[:q.whole]
	q.compact()
}

// Arriving reports whether the last message pushed has not ended.
func (q *Queue) Arriving() bool { return len(q.buf) > q.whole }

// Drop forgets everything, and accounts for the whole messages.
func (q *Queue) Drop() Done {
	q.Truncate()
	var d Done
	for at := q.head; at < q.whole; {
		frame, flags := q.at(at)
		d.add(frame, flags, q.window(at))
		at += prefix + len(frame)
	}
	q.giveBack()
	*q = Queue{pool: q.pool}
	return d
}

func (d *Done) add(frame []byte, flags byte, window int) {
	d.Bytes += len(frame)
	d.CreditBytes += window
	if flags&(last|note) != last {
		return
	}
	d.Messages++
	if flags&credit != 0 {
		d.Credit++
	}
}

func (q *Queue) at(offset int) (frame []byte, flags byte) {
	size := int(binary.LittleEndian.Uint32(q.buf[offset:]))
	start := offset + prefix
	return q.buf[start : start+size : start+size], q.buf[offset+8]
}

func (q *Queue) window(offset int) int {
	return int(binary.LittleEndian.Uint32(q.buf[offset+4:]))
}

// compact gives back or moves up the space before head.
func (q *Queue) compact() {
	switch {
	case q.head == len(q.buf):
		q.buf = q.buf[:0]
		if cap(q.buf) > small {
			q.giveBack()
		}
		q.head, q.sent, q.whole = 0, 0, 0
	case q.head > 4<<10 && q.head > len(q.buf)/2:
		q.moveTo(q.buf)
	}
}

// moveTo moves what is kept to the start of buf.
func (q *Queue) moveTo(buf []byte) {
	n := copy(buf[:cap(buf)], q.buf[q.head:])
	q.buf = buf[:n]
	q.sent -= q.head
	q.whole -= q.head
	q.head = 0
}

// reserve makes room for n bytes more.
func (q *Queue) reserve(n int) {
	if len(q.buf)+n <= cap(q.buf) {
		return
	}
	need := len(q.buf) - q.head + n
	if q.head > 0 && need <= cap(q.buf)/4*3 {
		q.moveTo(q.buf)
		return
	}
	lent := q.pool.get(need)
	old := q.lent
	q.moveTo(*lent)
	if old != nil {
		q.pool.put(old)
	}
	q.lent = lent
}

// giveBack returns a borrowed buffer.
func (q *Queue) giveBack() {
	if q.lent != nil {
		q.pool.put(q.lent)
		q.lent, q.buf = nil, nil
	}
}
