package slot

import (
	"errors"
	"fmt"
	"time"
)

func (m *machine) boot(e Boot) {
	if m.Mode != Idle {
		err := m.refusal()
		if err == nil {
			err = fmt.Errorf("%w: already started", ErrBusy)
		}
		m.answer(e.Op, err)
		return
	}
	m.Mode, m.op, m.Binary = Starting, e.Op, e.Binary
	m.Next = m.start(m.Binary)
}

// swap starts a successor, beside the instance that serves if there is one:
// a slot in quarantine has none.
func (m *machine) swap(op uint64, b Binary) {
	err := m.refusal()
	if err == nil && b.IsZero() {
		err = errors.New("swap: no binary")
	}
	if err != nil {
		m.answer(op, err)
		return
	}
	m.back, m.op, m.doubtful = m.Mode, op, time.Time{}
	m.Mode, m.Step = Swapping, StepStarting
	m.Next = m.start(b)
}

func (m *machine) rollback(op uint64) {
	err := m.refusal()
	if err == nil && m.Previous.IsZero() {
		err = ErrNoPrevious
	}
	if err != nil {
		m.answer(op, err)
		return
	}
	m.swap(op, m.Previous)
}

func (m *machine) reset(op uint64) {
	waiting := m.Mode == Quarantined || m.Mode == Restarting && !m.Until.IsZero()
	serving := m.Mode == Serving || m.Step == StepRetiring
	if !waiting && !serving {
		m.answer(op, m.refusal())
		return
	}
	m.forgive()
	m.Reason = ""
	if serving {
		m.answer(op, nil)
		return
	}
	m.Mode, m.op, m.Until = Starting, op, time.Time{}
	m.Next = m.start(m.Binary)
}

// stop retires what serves and kills what never did. Ends of instances are
// awaited, but lead nowhere any more.
func (m *machine) stop(op uint64) {
	if m.Mode == Stopped && m.Live() > 0 {
		m.answer(op, fmt.Errorf("%w: stopping already", ErrBusy))
		return
	}
	if m.op != 0 {
		m.finish(fmt.Errorf("ended before it was done: %w", ErrStopped))
	}
	if m.Serving.Live() {
		m.do(Retire{m.Serving.Inc})
	}
	if m.Next.Live() && m.Step == StepMoving {
		m.do(Retire{m.Next.Inc})
	} else if m.Next.Live() {
		m.do(Kill{m.Next.Inc})
	}
	m.Mode, m.Step, m.op = Stopped, NoStep, op
	m.Until, m.orphans = time.Time{}, nil
	m.stopping()
}

// stopping ends the stop when nothing is live.
func (m *machine) stopping() {
	if m.Live() == 0 {
		m.finish(nil)
	}
}
