package nethost

import (
	"fmt"
	"sync"
	"time"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/link"
)

// A station is where a session is between two instances; the package comment
// draws them.
type station uint8

const (
	live station = iota
	offered
	ready
	resting
)

// A session is one connection.
type session struct {
	host     *Host
	listener *listener
	number   uint64
	id       string
	conn     *conn // nil if it was requested

	mu      sync.Mutex // guards the fields below
	epoch   uint32
	station station
	peer    sdk.Peer // nil before Kernel.Open
	window  window
	changed chan struct{} // closed when something that Deliver waits for has changed; nil if nobody waits

	// The end.
	ended  bool       // Deliver returns ErrClosed
	said   bool       // CLOSE was sent,
	cause  link.Cause // with this cause,
	early  bool       // or has to be at COMMIT
	ending *ending    // what the runner does when nothing is left to send
	gone   bool       // not in the table any more

	// The way to the peer.
	queue      []item
	running    bool // the runner exists
	dropping   bool // the queue is not worth sending
	parts      map[uint64]*item
	partSize   int
	written    uint32 // messages sent and not reported
	unreported int    // their bytes of payload
	sent       uint64 // bytes of payload sent on this binding

	// Moving.
	attempt   *attempt
	blocked   int  // Deliver calls that wait for the window
	unquiesce bool // the runner has to call Unquiesce
	paused    bool // it holds the listener's packet socket
	timer     *time.Timer
}

// An ending says how a session ends.
type ending struct {
	cause error // for the peer
	hang  bool  // with a shutdown of the socket
	done  bool  // and with a CLOSE|DONE for the kernel
}

var _ sdk.Session = (*session)(nil)

// ID is the kernel's number of the connection.
func (s *session) ID() string { return s.id }

// handle acts on a frame of the kernel.
func (s *session) handle(f *link.Frame) error {
	s.mu.Lock()
	err := s.handleLocked(f)
	// A connection that has left may come back with the same number.
	over := s.gone || s.ending != nil && !s.ending.done
	s.mu.Unlock()
	if over {
		s.host.forget(s)
	}
	return err
}

func (s *session) handleLocked(f *link.Frame) error {
	if f.Kind == link.Resume {
		s.resumeLocked(f.Epoch)
		return nil
	}
	if s.gone || f.Epoch != s.epoch {
		return nil // late
	}
	switch f.Kind {
	case link.Data:
		return s.dataLocked(f)
	case link.Ack:
		return s.ackLocked(f)
	case link.Close:
		s.closeLocked(f)
	case link.Prepare:
		s.prepareLocked()
	case link.Commit:
		return s.commitLocked()
	case link.Release:
		s.leaveLocked(sdk.ErrMoved)
	}
	return nil
}

// ackLocked opens the window, and ends a reply.
func (s *session) ackLocked(f *link.Frame) error {
	if !s.window.give(f.N, f.Aux) {
		return fmt.Errorf("connection %s: ACK of %d messages and %d bytes, of %d and %d that are outstanding",
			s.id, f.N, f.Aux, s.window.outMessages, s.window.outBytes)
	}
	s.changedLocked()
	if f.Flags&link.Done != 0 && f.Stream != 0 {
		s.enqueueLocked(item{kind: itemEndReply, stream: f.Stream})
	}
	return nil
}

// emitLocked queues a frame of this connection.
func (s *session) emitLocked(f link.Frame) {
	f.Conn, f.Epoch = s.number, s.epoch
	s.host.env.Link.Append(&f)
}

// changedLocked wakes those that wait in Deliver.
func (s *session) changedLocked() {
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}
