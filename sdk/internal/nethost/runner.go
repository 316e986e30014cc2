package nethost

import "github.com/netcore-go/netcore/sdk/link"

// WRITTEN is sent when the queue is empty, and after that many messages or
// bytes, so that a slow peer's window opens while its queue is not.
const (
	writtenMessages = 8
	writtenBytes    = 64 << 10
)

// A step is what the runner does next.
type step uint8

const (
	stepNone step = iota
	stepItem
	stepUnquiesce
	stepEnd
)

// kickLocked starts the runner if there is something for it to do.
func (s *session) kickLocked() {
	if s.running || s.gone || s.peer == nil || s.stepLocked() == stepNone {
		return
	}
	s.running = true
	s.host.running.Add(1)
	go s.run() // ends when nothing is left to do
}

func (s *session) stepLocked() step {
	switch {
	case s.gone:
		return stepNone
	case s.ending != nil && len(s.queue) == 0:
		return stepEnd
	case s.unquiesce:
		return stepUnquiesce
	case s.station != live || len(s.queue) == 0:
		return stepNone
	}
	return stepItem
}

// run does all there is to do. It calls the peer one method after another, since
// there is one runner at a time.
func (s *session) run() {
	defer s.host.running.Done()
	for {
		s.mu.Lock()
		next := s.stepLocked()
		var it item
		switch next {
		case stepNone:
			s.reportLocked()
			s.running = false
		case stepItem:
			it = s.takeLocked()
		case stepUnquiesce:
			s.unquiesce = false
		}
		s.mu.Unlock()
		if next == stepNone {
			s.host.flush()
			return
		}
		s.do(next, it)
	}
}

func (s *session) do(next step, it item) {
	switch next {
	case stepUnquiesce:
		s.goOn()
	case stepEnd:
		s.finish()
	case stepItem:
		s.doItem(it)
	}
}

func (s *session) doItem(it item) {
	switch it.kind {
	case itemMessage:
		s.send(it)
	case itemEndReply:
		s.check(guard(func() error { s.peer.EndReply(it.stream); return nil }))
	case itemPrepare:
		s.prepare(it.attempt)
	}
}

// takeLocked takes the first item out of the queue.
func (s *session) takeLocked() item {
	it := s.queue[0]
	s.queue[0] = item{}
	s.queue = s.queue[1:]
	if len(s.queue) == 0 && cap(s.queue) > maxIdleQueue {
		s.queue = nil
	}
	return it
}

func (s *session) send(it item) {
	size := len(*it.data)
	err := guard(func() error { return s.peer.Send(it.message()) })
	it.free()
	if err != nil {
		s.check(err)
		return
	}
	s.mu.Lock()
	s.written++
	s.sent += uint64(size)
	s.unreported += size
	full := s.written >= writtenMessages || s.unreported >= writtenBytes
	if full {
		s.reportLocked()
	}
	s.mu.Unlock()
	if full {
		s.host.flush()
	}
}

// reportLocked sends WRITTEN for what was sent since the last.
func (s *session) reportLocked() {
	if s.written == 0 || s.gone {
		return
	}
	s.emitLocked(link.Frame{Kind: link.Written, N: s.written, Aux: s.sent})
	s.written, s.unreported = 0, 0
}

// check ends the connection because of what the peer has returned.
func (s *session) check(err error) {
	if err == nil {
		return
	}
	s.host.logPanic(err)
	s.mu.Lock()
	s.reportLocked()
	s.sayLocked(causeOf(err))
	s.dropLocked()
	s.mu.Unlock()
	s.host.flush()
}

// finish ends the peer, and with it the session.
func (s *session) finish() {
	s.mu.Lock()
	s.reportLocked()
	e := *s.ending
	s.mu.Unlock()
	s.check(guard(func() error { s.peer.Close(e.cause); return nil }))
	if s.conn != nil {
		s.conn.release(e.hang)
	}
	if e.done {
		s.unpause() // otherwise the socket is the successor's
	}
	s.mu.Lock()
	s.goneLocked(e.done)
	s.mu.Unlock()
	s.host.forget(s)
}
