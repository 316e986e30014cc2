package nethost

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/link"
	pluginpb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
	"google.golang.org/protobuf/proto"
)

// recordVersion is the meaning of Record that this package writes and reads.
const recordVersion = 1

var errEnding = errors.New("the connection is ending")

// An attempt is a PREPARE without an answer; guarded by its session's mu.
type attempt struct {
	quiescer sdk.Quiescer
	deadline time.Time
	timer    *time.Timer
	begun    bool // the runner has come to it
	cancel   context.CancelFunc
	called   bool // off: RESUME came before the answer
}

// giveUp has Quiesce give up, if it runs.
func (a *attempt) giveUp() {
	if a != nil && a.cancel != nil {
		a.cancel()
	}
}

// prepareLocked has the runner quiesce the peer after what is queued.
func (s *session) prepareLocked() {
	q, reason := s.quiescerLocked()
	if reason != "" {
		s.emitLocked(link.Frame{Kind: link.Prepared, Flags: link.Refused, Payload: []byte(reason)})
		return
	}
	a := &attempt{quiescer: q, deadline: time.Now().Add(s.host.quiesce)}
	a.timer = time.AfterFunc(s.host.quiesce, func() { s.prepareLate(a) })
	s.attempt = a
	s.enqueueLocked(item{kind: itemPrepare, attempt: a})
}

// quiescerLocked returns the peer that can move, or why it cannot.
func (s *session) quiescerLocked() (q sdk.Quiescer, reason string) {
	q, ok := s.peer.(sdk.Quiescer)
	switch {
	case s.ended || s.ending != nil:
		return nil, errEnding.Error()
	case s.peer == nil:
		return nil, "the protocol has not opened it yet"
	case !ok:
		return nil, fmt.Sprintf("protocol %s cannot move connections", s.host.info.Name)
	case s.station != live || s.attempt != nil:
		return nil, "it is moving already"
	case s.blocked > 0:
		return nil, "its window is shut"
	case len(s.parts) > 0:
		return nil, "a message to it is not whole"
	}
	return q, ""
}

// prepareLate refuses if what is to be sent before takes too long.
func (s *session) prepareLate(a *attempt) {
	s.mu.Lock()
	if !a.begun {
		s.refuseMoveLocked(a, "the peer is slow")
	}
	s.mu.Unlock()
	s.host.flush()
}

// refuseMoveLocked answers PREPARE: the connection goes on.
func (s *session) refuseMoveLocked(a *attempt, reason string) {
	if s.attempt != a {
		return
	}
	s.attempt = nil
	a.timer.Stop()
	if !a.called {
		s.emitLocked(link.Frame{Kind: link.Prepared, Flags: link.Refused, Payload: []byte(reason)})
	}
}

// prepare quiesces the peer. It runs in the runner.
func (s *session) prepare(a *attempt) {
	s.mu.Lock()
	a.begun = true
	off := s.attempt != a || a.called
	if off {
		s.refuseMoveLocked(a, "")
	}
	a.timer.Stop()
	s.reportLocked()
	ctx, cancel := context.WithDeadline(context.Background(), a.deadline)
	defer cancel()
	a.cancel = cancel
	if s.blocked > 0 {
		a.giveUp()
	}
	s.mu.Unlock()
	if off {
		return
	}
	s.pause()
	r := &pluginpb.Record{Version: recordVersion}
	err := guard(func() (err error) {
		r.Unread, r.State, err = a.quiescer.Quiesce(ctx)
		return err
	})
	s.quiesced(a, r, err)
}

// quiesced answers PREPARE after Quiesce.
func (s *session) quiesced(a *attempt, r *pluginpb.Record, err error) {
	if c := s.conn; c != nil {
		r.Consumed, r.Written, r.InputEnded = c.consumed.Load(), c.written.Load(), c.ended.Load()
	}
	payload, bad := proto.Marshal(r)
	if bad == nil && len(payload) > link.MaxFrame-link.HeaderSize {
		bad = fmt.Errorf("a record of %d bytes", len(payload))
	}
	s.mu.Lock()
	switch {
	case err != nil:
		s.refuseMoveLocked(a, err.Error())
	case bad != nil, s.ended, a.called:
		if bad == nil {
			bad = errEnding
		}
		s.unquiesce = s.ending == nil
		s.refuseMoveLocked(a, bad.Error())
	default:
		s.attempt = nil
		s.station = resting
		s.emitLocked(link.Frame{Kind: link.Prepared, Payload: payload})
	}
	rests := s.station == resting
	s.mu.Unlock()
	if !rests {
		s.unpause()
	}
	if _, ok := err.(*panicError); ok {
		s.check(err)
	}
}

// resumeLocked goes on after PREPARE, with a new epoch.
func (s *session) resumeLocked(epoch uint32) {
	if s.gone || epoch <= s.epoch || s.ending != nil {
		return // late
	}
	s.epoch = epoch
	if s.attempt != nil {
		s.attempt.called = true
	}
	if s.station != resting {
		return
	}
	s.station, s.unquiesce = live, true
	s.changedLocked()
	s.kickLocked()
}

// goOn calls Unquiesce. It runs in the runner.
func (s *session) goOn() {
	s.unpause()
	s.check(guard(func() error { s.peer.(sdk.Quiescer).Unquiesce(); return nil }))
}

// pause keeps the listener's packet socket from being read: what it holds may
// be the successor's. It is not given back after RELEASE.
func (s *session) pause() {
	if p := s.listener.socket(); p != nil && !s.paused {
		s.paused = true
		p.hold()
	}
}

func (s *session) unpause() {
	if s.paused {
		s.paused = false
		s.listener.socket().unhold()
	}
}
