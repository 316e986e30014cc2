package nethost

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/link"
)

// Close tells the kernel that the peer is gone; see [sdk.Session]. The kernel's
// answer ends the session: then the peer's Close is called.
func (s *session) Close(cause error) {
	s.mu.Lock()
	s.hangLocked(causeOf(cause))
	s.mu.Unlock()
	s.host.flush()
}

// hangLocked is Close. Before COMMIT the kernel is not told: the connection is
// still the predecessor's.
func (s *session) hangLocked(cause link.Cause) {
	if s.station != offered && s.station != ready {
		s.sayLocked(cause)
	} else if !s.early {
		s.early, s.cause = true, cause
	}
}

// sayLocked sends CLOSE, once: the first cause is the one that counts. After an
// orderly end of the input of a connection that is open still, what is queued is
// sent.
func (s *session) sayLocked(cause link.Cause) {
	s.ended = true
	s.changedLocked()
	if s.ending == nil && (cause != link.CauseNone || s.conn == nil || s.conn.isDown()) {
		s.dropLocked()
	}
	if s.gone || s.ending != nil || s.said {
		return
	}
	s.said, s.cause = true, cause
	s.emitLocked(link.Frame{Kind: link.Close, N: cause})
}

// connClosed is called when the protocol has closed the connection.
func (s *session) connClosed() {
	s.mu.Lock()
	opened, at := s.peer != nil, s.station
	if at == ready {
		s.hangLocked(link.CauseNone) // the descriptor stays open until COMMIT
	}
	s.mu.Unlock()
	switch {
	case at == ready:
	case !opened:
		s.abandon(link.CauseProtocol)
	default:
		s.Close(nil) // before the protocol's reader learns of it
		s.conn.release(true)
	}
}

// abandon ends a session that the protocol has not opened and never will.
func (s *session) abandon(cause link.Cause) {
	s.mu.Lock()
	if s.station == offered {
		s.refuseOfferLocked("the protocol does not take it")
	} else {
		s.conn.release(true)
		s.sayLocked(cause)
		s.goneLocked(true)
	}
	s.mu.Unlock()
	s.host.forget(s)
	s.host.flush()
}

// reject answers OPEN for a session that was never kept.
func (s *session) reject(cause link.Cause) {
	s.mu.Lock()
	s.sayLocked(cause)
	s.goneLocked(true)
	s.mu.Unlock()
	s.host.flush()
}

// unserved ends a session whose listener's loop has returned. One that is on its
// way between instances is left to the kernel.
func (s *session) unserved(cause link.Cause) {
	s.mu.Lock()
	if s.station != live {
		s.mu.Unlock()
		return
	}
	s.sayLocked(cause)
	s.mu.Unlock()
	if s.conn != nil {
		s.conn.release(true)
	}
}

// closeLocked acts on the kernel's CLOSE.
func (s *session) closeLocked(f *link.Frame) {
	abort := f.Flags&link.Abort != 0
	if s.ending == nil {
		s.ending = &ending{cause: link.CauseError(f.N), hang: true, done: true}
	}
	s.ended = true
	s.changedLocked()
	if abort && s.conn != nil {
		s.conn.release(true)
	}
	if abort || s.station != live {
		s.dropLocked()
	}
	if s.station == ready {
		s.station = live
		close(s.conn.gate) // it is ours to say goodbye on
	}
	s.endLocked()
}

// leaveLocked ends the session without a word to the peer or to the kernel.
func (s *session) leaveLocked(cause error) {
	if s.conn != nil {
		s.conn.release(false)
	}
	s.ended = true
	s.changedLocked()
	s.dropLocked()
	s.ending = &ending{cause: cause}
	s.endLocked()
}

// endLocked ends a session at once if there is no peer, or has the runner do it
// after the rest of the queue.
func (s *session) endLocked() {
	if s.peer != nil {
		s.kickLocked()
		return
	}
	if len(s.queue) > 0 {
		return // Kernel.Open is on its way; the kernel's ABORT ends the wait
	}
	if s.conn != nil {
		s.conn.release(s.ending.hang)
	}
	s.goneLocked(s.ending.done)
}

// let is leaveLocked for the end of the host.
func (s *session) let(cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.gone {
		s.leaveLocked(cause)
	}
}

// goneLocked says the last word about the session, with DONE if the kernel
// wants to hear it.
func (s *session) goneLocked(done bool) {
	if s.gone {
		return
	}
	if done {
		s.emitLocked(link.Frame{Kind: link.Close, Flags: link.Done, N: s.cause})
	}
	s.gone, s.ended = true, true
	s.dropLocked()
	s.changedLocked()
	if s.timer != nil {
		s.timer.Stop()
	}
}

// causeOf is link.CauseOf that knows the errors of sockets.
func causeOf(err error) link.Cause {
	c := link.CauseOf(err)
	if c != link.CauseInternal {
		return c
	}
	var op *net.OpError
	var errno syscall.Errno
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return link.CauseTimeout
	case errors.As(err, &op), errors.As(err, &errno), errors.Is(err, net.ErrClosed), errors.Is(err, sdk.ErrClosed),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe):
		return link.CauseReset
	}
	return c
}
