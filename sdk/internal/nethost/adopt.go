package nethost

import (
	"fmt"
	"time"

	"github.com/netcore-go/netcore/sdk/link"
)

// watchOffer refuses the offer if the protocol does not open it in time.
func (s *session) watchOffer() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timer = time.AfterFunc(s.host.adopt, func() { s.refuseOffer("the protocol does not take it") })
}

// readyLocked answers OFFER: the connection is adopted.
func (s *session) readyLocked() {
	s.station = ready
	s.timer.Stop()
	s.emitLocked(link.Frame{Kind: link.Ready})
}

// refuseOffer answers OFFER with no, unless it was answered.
func (s *session) refuseOffer(reason string) {
	s.mu.Lock()
	s.refuseOfferLocked(reason)
	gone := s.gone
	s.mu.Unlock()
	if gone {
		s.host.forget(s)
	}
	s.host.flush()
}

// refuseOfferLocked lets go of the connection, which stays the predecessor's.
func (s *session) refuseOfferLocked(reason string) {
	if s.station != offered || s.gone {
		return
	}
	if s.conn != nil {
		s.conn.release(false)
	}
	s.emitLocked(link.Frame{Kind: link.Ready, Flags: link.Refused, Payload: []byte(reason)})
	s.goneLocked(false)
}

// commitLocked makes an adopted connection ours.
func (s *session) commitLocked() error {
	if s.station != ready {
		return fmt.Errorf("COMMIT of connection %s, which is not between READY and COMMIT", s.id)
	}
	s.station = live
	close(s.conn.gate)
	if s.early {
		if s.conn.isDown() {
			s.conn.release(true)
		}
		s.sayLocked(s.cause)
	}
	s.changedLocked()
	s.kickLocked()
	return nil
}
