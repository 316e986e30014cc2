package load

import (
	"errors"
	"sync/atomic"
)

// oneGoroutine is up to how many outstanding bytes one goroutine may both send
// and receive: so many fit the sockets even if the server does not read before
// it has written.
const oneGoroutine = 64 << 10

// A reason says why the generator itself ended a connection.
type reason = int32

const (
	running reason = iota
	finished
	timedOut
	cancelled
)

// A conn drives one client connection.
type conn struct {
	run    *run
	client Client
	stamp  stamp
	window *window
	hist   *Histogram
	pace   *pacer // nil: closed loop

	// The sender's: payload is built here; left is how many requests may still
	// be measured, negative for no bound.
	buf  []byte
	left int64

	ended atomic.Int32 // a reason
	last  int64        // when the last measured reply came; the receiver's
}

// serve runs the connection until all is sent and answered, or it ends.
func (c *conn) serve() {
	if c.pace == nil && c.run.cfg.Depth*c.run.cfg.Size <= oneGoroutine {
		c.finish(c.loop())
	} else {
		c.finish(c.duplex())
	}
}

// loop is the closed loop: each reply makes room for the next request.
func (c *conn) loop() error {
	if err := c.refill(c.run.now()); err != nil {
		return err
	}
	for c.window.open() {
		if !c.client.Buffered() {
			if err := c.client.Flush(); err != nil {
				return err
			}
		}
		now, err := c.receive()
		if err != nil {
			return err
		}
		if err := c.refill(now); err != nil {
			return err
		}
	}
	return nil
}

func (c *conn) refill(now int64) error {
	for c.window.room() && c.more(now) {
		if err := c.send(now); err != nil {
			return err
		}
	}
	return nil
}

// more reports whether a request that starts at start is to be sent, and takes
// it from what is left.
func (c *conn) more(start int64) bool {
	if c.run.stopped() {
		return false
	}
	if c.left < 0 || start < c.run.measureFrom.Load() {
		return true
	}
	if c.left == 0 {
		return false
	}
	c.left--
	return true
}

func (c *conn) send(start int64) error {
	c.stamp.fill(c.buf, c.window.push(start))
	return c.client.Send(c.buf)
}

// receive waits for a reply, checks and counts it, and returns when it came.
func (c *conn) receive() (now int64, err error) {
	p, err := c.client.Receive()
	if err != nil {
		return 0, err
	}
	now = c.run.now()
	seq, ok := c.stamp.check(p)
	if !ok {
		c.run.errors.wrong.Add(1)
		c.window.skip()
		return now, nil
	}
	start, v := c.window.take(seq, c.stamp.bits())
	switch v {
	case again:
		c.run.errors.wrong.Add(1)
		return now, nil
	case never:
		c.run.errors.wrong.Add(1)
		c.window.skip()
		return now, nil
	case late:
		c.run.errors.reordered.Add(1)
	}
	if start >= c.run.measureFrom.Load() {
		c.hist.record(now - start)
		c.last = now
	}
	return now, nil
}

// end closes the client for a reason; the first one counts.
func (c *conn) end(why reason) {
	if c.ended.CompareAndSwap(running, why) {
		_ = c.client.Close() // what it could say, its user says
	}
}

// finish counts how the connection ended. No goroutine of it sends any more. If
// all went well it stays open until Run closes it.
func (c *conn) finish(err error) {
	c.ended.CompareAndSwap(running, finished)
	switch c.ended.Load() {
	case cancelled:
		return // what is outstanding was not waited for
	case timedOut:
		c.run.errors.timeouts.Add(1)
		c.run.note(errTimeout)
	default:
		c.finishBy(err)
	}
	c.run.errors.lost.Add(c.window.lost())
}

// finishBy counts an end that the generator did not ask for; err is nil if it did.
func (c *conn) finishBy(err error) {
	if err == nil {
		return
	}
	c.run.note(err)
	if errors.Is(err, ErrMalformed) {
		c.run.errors.wrong.Add(1)
	} else {
		c.run.errors.disconnects.Add(1)
	}
}
