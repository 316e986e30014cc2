package slot

import (
	"errors"
	"fmt"
)

// Errors of a Reply. Compare with errors.Is.
var (
	// ErrBusy: another operation runs, or what it left behind does.
	ErrBusy = errors.New("busy")
	// ErrNoPrevious: no swap has been completed since the last rollback that
	// the slot did by itself.
	ErrNoPrevious = errors.New("nothing to roll back to")
	// ErrStopped: the slot is stopped, or was before the operation had ended.
	ErrStopped = errors.New("plugin stopped")
	// ErrIdle: the slot was not booted.
	ErrIdle = errors.New("plugin not started")
)

// Next returns the state after e and what is to be done.
func Next(s State, e Event) (State, []Action) {
	m := machine{State: s}
	switch e := e.(type) {
	case Boot:
		m.boot(e)
	case SwapRequested:
		m.swap(e.Op, e.Binary)
	case RollbackRequested:
		m.rollback(e.Op)
	case ResetRequested:
		m.reset(e.Op)
	case StopRequested:
		m.stop(e.Op)
	case Started:
		m.started(e.Inc)
	case StartFailed:
		m.startFailed(e)
	case Died:
		e.Reason = "died: " + e.Reason
		m.ended(end(e), false)
	case Exited:
		m.ended(end{Inc: e.Inc, Reason: "exited without being told to", Now: e.Now, Rand: e.Rand}, true)
	case MoveDone:
		m.moveDone(e.From)
	case DrainLimit:
		m.drainLimit(e.Inc)
	case Timer:
		m.timer(e.Now)
	}
	return m.State, m.out
}

// A machine is a state on its way to the next one. Slices of the state are
// shared with older states: they are replaced, never written to.
type machine struct {
	State
	out []Action
}

func (m *machine) do(a Action) { m.out = append(m.out, a) }

// start starts b as the next incarnation.
func (m *machine) start(b Binary) Instance {
	m.LastInc++
	m.do(Start{m.LastInc, b})
	return Instance{m.LastInc, b}
}

// answer replies to an operation that somebody waits for.
func (m *machine) answer(op uint64, err error) {
	if op != 0 {
		m.do(Reply{Op: op, Inc: m.Serving.Inc, Err: err})
	}
}

// finish replies to the operation that runs.
func (m *machine) finish(err error) {
	m.answer(m.op, err)
	m.op = 0
}

// settle is the mode of a slot that serves.
func (m *machine) settle() {
	m.Mode, m.Step = Serving, NoStep
	if m.Old.Live() {
		m.Mode, m.Step = Swapping, StepRetiring
	}
}

// forgive forgets the deaths so far.
func (m *machine) forgive() { m.recent, m.streak = nil, 0 }

// refusal says why no swap can begin now; nil if one can.
func (m *machine) refusal() error {
	switch {
	case m.Mode == Idle:
		return ErrIdle
	case m.Mode == Stopped:
		return ErrStopped
	case m.Step == StepMoving:
		return fmt.Errorf("%w: moving from %v to %v", ErrBusy, m.Serving, m.Next)
	case m.Next.Live():
		return fmt.Errorf("%w: starting %v", ErrBusy, m.Next)
	case m.Mode == Restarting:
		return fmt.Errorf("%w: restarting: %s", ErrBusy, m.Reason)
	case m.Old.Live():
		return fmt.Errorf("%w: still draining %v", ErrBusy, m.Old)
	}
	return nil
}
