package count

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"time"
)

// writeLimit bounds the write of one message: longer is a hang.
const writeLimit = 30 * time.Second

// An End says how a connection ended that its client had not closed.
type End struct {
	Kind string // "EOF", "RST" or another error's text
	At   time.Time
	// Outstanding messages were sent and not answered.
	Outstanding int
}

// A Conn is one client. Its methods may be called from any goroutine.
type Conn struct {
	// Number is unique among all of the process.
	Number uint64

	fleet *Fleet
	c     net.Conn
	done  chan struct{} // closed when the reader has ended

	sending sync.Mutex // held while a message is written; taken before mu
	frame   []byte     // the message that is written

	mu       sync.Mutex // guards the fields below
	sent     uint64     // messages so far; also the number of the next one
	want     uint64     // the number of the next answer
	sentAt   []time.Time
	missing  map[uint64]bool // skipped answers
	answered int
	longest  time.Duration // between a message and its answer
	closing  bool          // by this side
	end      *End
}

// Send sends one message. An error means that the connection has ended, or
// hangs.
func (c *Conn) Send() error {
	c.sending.Lock()
	defer c.sending.Unlock()
	c.mu.Lock()
	if c.end != nil || c.closing {
		c.mu.Unlock()
		return net.ErrClosed
	}
	seq := c.sent
	c.sent++
	c.sentAt = append(c.sentAt, time.Now())
	c.mu.Unlock()
	c.frame = appendMessage(c.frame[:0], c.Number, seq)
	if err := c.c.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		return err
	}
	_, err := c.c.Write(c.frame)
	c.fleet.sent.Add(1)
	return err
}

// read takes answers until the connection ends.
func (c *Conn) read() {
	defer close(c.done)
	r := bufio.NewReaderSize(c.c, 2*maxMessage)
	buf := make([]byte, 0, 512)
	for {
		payload, err := readFrame(r, &buf)
		if err != nil {
			c.ended(err)
			return
		}
		c.answer(payload)
	}
}

func readFrame(r *bufio.Reader, buf *[]byte) ([]byte, error) {
	head, err := r.Peek(lengthSize)
	if err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint32(head))
	if n > maxMessage {
		return nil, fmt.Errorf("an answer claims %d bytes", n)
	}
	if _, err := r.Discard(lengthSize); err != nil {
		return nil, err
	}
	if cap(*buf) < n {
		*buf = make([]byte, maxMessage)
	}
	_, err = io.ReadFull(r, (*buf)[:n])
	return (*buf)[:n], err
}

// answer takes one answer.
func (c *Conn) answer(payload []byte) {
	now := time.Now()
	conn, seq, err := parse(payload)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answered++
	c.fleet.answers.Add(1)
	switch {
	case err != nil:
		c.fleet.fault(&c.fleet.tally.Corrupted, "corrupted", c, c.want, fmt.Sprintf("%d bytes: %v", len(payload), err))
	case conn != c.Number:
		c.fleet.fault(&c.fleet.tally.Foreign, "foreign", c, seq, fmt.Sprintf("it is of connection %d", conn))
	case seq >= c.sent:
		c.fleet.fault(&c.fleet.tally.Corrupted, "corrupted", c, seq, "it was never sent")
	case seq < c.want && c.missing[seq]:
		delete(c.missing, seq)
		c.fleet.fault(&c.fleet.tally.Reordered, "reordered", c, seq, fmt.Sprintf("it comes after %d", c.want-1))
	case seq < c.want:
		c.fleet.fault(&c.fleet.tally.Doubled, "doubled", c, seq, fmt.Sprintf("the next was to be %d", c.want))
	default:
		c.inOrder(seq, now)
	}
}

// inOrder takes the answer seq, which is the next one or a later one. c.mu is held.
func (c *Conn) inOrder(seq uint64, now time.Time) {
	skipped := int(seq - c.want)
	for n := c.want; n < seq; n++ {
		if c.missing == nil {
			c.missing = make(map[uint64]bool)
		}
		c.missing[n] = true
		var uncounted int // Report counts what is still missing then
		c.fleet.fault(&uncounted, "skipped", c, n, fmt.Sprintf("the answer to %d came", seq))
	}
	c.longest = max(c.longest, now.Sub(c.sentAt[skipped]))
	c.sentAt = append(c.sentAt[:0], c.sentAt[skipped+1:]...)
	c.want = seq + 1
}

// ended notes the end of the connection.
func (c *Conn) ended(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return
	}
	c.end = &End{Kind: kind(err), At: time.Now(), Outstanding: len(c.sentAt)}
	c.fleet.ends.Add(1)
	c.c.Close()
}

func kind(err error) string {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "EOF"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "RST"
	}
	return err.Error()
}

// Close ends the connection in order.
func (c *Conn) Close() {
	c.mu.Lock()
	c.closing = true
	c.mu.Unlock()
	c.c.Close()
	<-c.done
}

// End returns how the connection ended, nil while it lives.
func (c *Conn) End() *End {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.end
}

// Outstanding is how many messages wait for their answer, and since when the
// oldest does.
func (c *Conn) Outstanding() (n int, since time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.sentAt) > 0 {
		since = c.sentAt[0]
	}
	return len(c.sentAt), since
}

// Wait returns when the connection has ended.
func (c *Conn) Wait() { <-c.done }
