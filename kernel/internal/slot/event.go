package slot

import "time"

// An Event is something that happened. Op numbers are the caller's; 0 asks for
// no Reply. An event about an instance that is not in the state changes nothing:
// it is late.
type Event interface{ event() }

// Boot starts an idle slot. Its Reply comes with the outcome of the first start;
// after a failure the slot goes on trying.
type Boot struct {
	Op     uint64
	Binary Binary
}

// Started says that Inc is ready to serve: handshake, configuration and
// self-probe are behind it.
type Started struct{ Inc uint64 }

// StartFailed says that Inc did not get there. Whoever starts it has seen to it
// that its process is gone; the Kill that follows is for the case that it is not.
type StartFailed struct {
	Inc    uint64
	Reason string
	Now    time.Time
	Rand   float64 // in [0, 1), for the back-off
}

// Died says that Inc is known to be dead, whatever killed it, and all that it
// said has been read.
type Died struct {
	Inc    uint64
	Reason string
	Now    time.Time
	Rand   float64 // in [0, 1), for the back-off
}

// Exited says that Inc has ended as it was told to; what it still held is the
// caller's to close. If it was not told, it is a death.
type Exited struct {
	Inc  uint64
	Now  time.Time
	Rand float64 // in [0, 1), for the back-off
}

// SwapRequested asks for a swap to Binary, which may be the one that runs.
type SwapRequested struct {
	Op     uint64
	Binary Binary
}

// RollbackRequested asks for a swap to the binary before the last completed one.
type RollbackRequested struct{ Op uint64 }

// MoveDone says that From has no connection left that can move.
type MoveDone struct{ From uint64 }

// DrainLimit says that Inc's time to let go of its connections is over. The
// caller's clock starts with Move, and again with Retire: while it moves, Inc is
// retired with what it still holds; after that it is killed.
type DrainLimit struct{ Inc uint64 }

// StopRequested ends the slot. Its Reply comes when no instance is live.
type StopRequested struct{ Op uint64 }

// ResetRequested forgets the deaths: a slot in quarantine or back-off starts at
// once.
type ResetRequested struct{ Op uint64 }

// Timer answers SetTimer. One that is early or superseded changes nothing.
type Timer struct{ Now time.Time }

func (Boot) event()              {}
func (Started) event()           {}
func (StartFailed) event()       {}
func (Died) event()              {}
func (Exited) event()            {}
func (SwapRequested) event()     {}
func (RollbackRequested) event() {}
func (MoveDone) event()          {}
func (DrainLimit) event()        {}
func (StopRequested) event()     {}
func (ResetRequested) event()    {}
func (Timer) event()             {}
