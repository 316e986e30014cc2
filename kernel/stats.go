package kernel

import (
	"sync/atomic"
	"time"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/link"
)

// stats counts for one listener.
type stats struct {
	active, total     atomic.Int64
	received, sent    atomic.Int64 // messages
	bytesIn, bytesOut atomic.Int64
	errors            atomic.Int64
	refused, dropped  atomic.Int64
	last              atomic.Pointer[string]
	start             time.Time
}

func (s *stats) began() {
	s.active.Add(1)
	s.total.Add(1)
}

func (s *stats) ended(cause link.Cause) {
	s.active.Add(-1)
	switch cause {
	case link.CauseNone, link.CauseReset, link.CauseIdle, link.CauseDraining, link.CauseOperator:
		return // nothing went wrong here
	}
	s.failed(link.CauseError(cause))
}

func (s *stats) failed(err error) {
	text := err.Error()
	s.errors.Add(1)
	s.last.Store(&text)
}

// counts are what a connection has done in a run of frames.
type counts struct {
	received, sent    int64 // messages
	bytesIn, bytesOut int64
	alive             bool // something that is no message has moved
}

func (s *stats) count(c *counts) {
	s.received.Add(c.received)
	s.sent.Add(c.sent)
	s.bytesIn.Add(c.bytesIn)
	s.bytesOut.Add(c.bytesOut)
}

// addTo adds what s has counted to total.
func (s *stats) addTo(total *sdk.ServerStats) {
	total.ActiveConnections += s.active.Load()
	total.TotalConnections += s.total.Load()
	total.MessagesReceived += s.received.Load()
	total.MessagesSent += s.sent.Load()
	total.BytesReceived += s.bytesIn.Load()
	total.BytesSent += s.bytesOut.Load()
	total.ErrorCount += s.errors.Load()
	if last := s.last.Load(); last != nil {
		total.LastError = *last
	}
}

// snapshot returns what s has counted.
func (s *stats) snapshot() sdk.ServerStats {
	total := sdk.ServerStats{StartTime: s.start, Uptime: int64(time.Since(s.start) / time.Second)}
	s.addTo(&total)
	return total
}
