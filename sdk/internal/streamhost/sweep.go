package streamhost

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/netcore-go/netcore/sdk"
)

// sweepPause is the least time between two sweeps: deadlines are kept to that
// precision, and a sweep of many connections stays cheap.
const sweepPause = int64(250 * time.Millisecond)

// never is a time that does not come.
const never = int64(math.MaxInt64)

// A sweeper looks at the connections whose deadlines have come. It sleeps while
// there is no deadline; it does not tick.
type sweeper struct {
	next  atomic.Int64  // when it looks next
	kick  chan struct{} // capacity 1: next has come nearer
	done  chan struct{}
	last  int64   // when it looked last
	conns []*conn // scratch
	work  worker
}

func (s *sweeper) init() {
	s.next.Store(never)
	s.last = -sweepPause
	s.kick, s.done = make(chan struct{}, 1), make(chan struct{})
}

func (s *sweeper) stop() { close(s.done) }

// expect has the sweeper look at time t, or before.
func (s *sweeper) expect(t int64) {
	for {
		next := s.next.Load()
		if next <= t {
			return
		}
		if s.next.CompareAndSwap(next, t) {
			break
		}
	}
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// run sweeps until stop.
func (s *sweeper) run(h *Host) {
	timer := time.NewTimer(time.Duration(never))
	defer timer.Stop()
	for {
		select {
		case <-s.done:
			return
		case <-s.kick:
		case <-timer.C:
			s.sweep(h)
		}
		timer.Reset(time.Duration(max(s.next.Load(), s.last+sweepPause) - h.clock()))
	}
}

// sweep looks at each connection whose time has come.
func (s *sweeper) sweep(h *Host) {
	now := h.clock()
	s.last, s.work.now = now, now
	s.next.Store(never) // deadlines set from here on count
	s.conns = h.snapshot(s.conns[:0])
	for _, c := range s.conns {
		due := c.due.Load()
		if due != 0 && due <= now {
			c.mu.Lock()
			c.expireLocked(&s.work)
			c.mu.Unlock()
			due = c.due.Load()
		}
		if due != 0 {
			s.expect(due)
		}
	}
	clear(s.conns)
	h.settle(&s.work)
}

// expectLocked has the sweeper look at the connection at time t, or before. When
// the reason passes nothing needs to be undone: the sweeper finds out.
func (c *conn) expectLocked(t int64) {
	if due := c.due.Load(); due != 0 && due <= t {
		return
	}
	c.due.Store(t)
	c.host.sweeper.expect(t)
}

// expireLocked acts on the deadlines that have passed, and sets due for others.
func (c *conn) expireLocked(w *worker) {
	c.due.Store(0)
	switch c.phase {
	case closing, lingering:
		if c.passedLocked(w, c.deadline) {
			c.finishLocked()
		}
	case serving:
		c.expireServingLocked(w)
	}
}

// passedLocked reports whether t has passed, and otherwise sees to it that the
// sweeper comes back.
func (c *conn) passedLocked(w *worker, t int64) bool {
	if w.now >= t {
		return true
	}
	c.expectLocked(t)
	return false
}

func (c *conn) expireServingLocked(w *worker) {
	if c.cause != 0 {
		if !c.causeTold && c.passedLocked(w, c.deadline) {
			c.breakLocked(w, c.cause)
		}
		return
	}
	l := c.listener
	switch {
	case c.stalled != 0 && l.writeTimeout > 0 && c.passedLocked(w, c.stalled+l.writeTimeout):
		// What is pending will not be read.
		c.breakLocked(w, causeTimeout)
	case c.begun != 0 && l.readTimeout > 0 && c.passedLocked(w, c.begun+l.readTimeout):
		c.timeoutLocked(w)
	case c.beatsLocked():
		c.heartbeatLocked(w)
	}
}

func (c *conn) timeoutLocked(w *worker) {
	c.dropInputLocked()
	c.failLocked(w, causeTimeout, sdk.ErrTimeout)
}

// beatsLocked reports whether the connection has a heartbeat.
func (c *conn) beatsLocked() bool {
	return c.pinger && c.listener.interval > 0 && !c.ended && c.cause == 0
}

func (c *conn) expectHeartbeatLocked() {
	if c.beatsLocked() {
		c.expectLocked(c.heard + c.listener.interval)
	}
}

// heartbeatLocked pings a peer that was silent for the interval, and ends one
// that stays silent. A peer that we do not listen to counts as heard.
func (c *conn) heartbeatLocked(w *worker) {
	switch {
	case c.stopped:
		c.heard, c.pinged = w.now, 0
		c.expectHeartbeatLocked()
	case c.pinged != 0:
		if c.passedLocked(w, c.pinged+c.listener.timeout) {
			c.timeoutLocked(w)
		}
	case c.passedLocked(w, c.heard+c.listener.interval):
		c.pingLocked(w)
		c.pinged = w.now
		c.expectLocked(c.pinged + c.listener.timeout)
	}
}

func (c *conn) pingLocked(w *worker) {
	defer func() {
		if v := recover(); v != nil {
			c.panickedLocked(w, "Ping", v)
		}
	}()
	c.outputLocked(64)
	c.out.b = c.codec.(sdk.Pinger).Ping(c.out.b)
	if !c.waiting {
		c.flushLocked(w)
	}
}
