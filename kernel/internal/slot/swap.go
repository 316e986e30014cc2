package slot

import (
	"errors"
	"fmt"
	"time"
)

// started lets Next take over.
func (m *machine) started(inc uint64) {
	if inc == 0 || inc != m.Next.Inc || m.Mode == Stopped || m.Step == StepMoving {
		return
	}
	m.do(Serve{inc})
	if m.Serving.Live() {
		m.Step = StepMoving
		m.do(Move{From: m.Serving.Inc, To: inc})
		return
	}
	m.Serving, m.Next = m.Next, Instance{}
	for _, dead := range m.orphans {
		m.do(Adopt{Dead: dead, To: inc})
	}
	m.orphans = nil
	if m.Mode == Swapping {
		m.complete("")
		return
	}
	m.finish(nil)
	m.settle()
}

// complete ends a swap that succeeded: Serving is the successor already.
func (m *machine) complete(reason string) {
	switch {
	case m.back == Quarantined:
		m.Previous = Binary{} // nobody wants that one back
	case m.Binary == m.Serving.Binary:
		m.doubtful = time.Time{} // nothing new to go back from
	default:
		m.Previous = m.Binary
	}
	m.Binary, m.Reason = m.Serving.Binary, reason
	m.Swaps++
	m.forgive()
	m.finish(nil)
	m.settle()
}

func (m *machine) moveDone(from uint64) {
	if m.Step != StepMoving || from != m.Serving.Inc {
		return
	}
	m.Old, m.Serving, m.Next = m.Serving, m.Next, Instance{}
	m.do(Retire{from})
	m.complete("")
}

func (m *machine) drainLimit(inc uint64) {
	live := inc == m.Serving.Inc || inc == m.Next.Inc || inc == m.Old.Inc
	switch {
	case inc == 0 || !live:
	case m.Mode == Stopped || inc == m.Old.Inc:
		m.do(Kill{inc})
	default:
		m.moveDone(inc)
	}
}

// startFailed is the end of a Next that did not get as far as to serve.
func (m *machine) startFailed(e StartFailed) {
	if e.Inc == 0 || e.Inc != m.Next.Inc || m.Step == StepMoving {
		return
	}
	m.do(Kill{e.Inc})
	e.Reason = "did not start: " + e.Reason
	m.ended(end(e), false)
}

// successorEnded undoes a swap. Next is the successor that has ended.
func (m *machine) successorEnded(e end) {
	next, moving := m.Next, m.Step == StepMoving
	m.Next = Instance{}
	m.Reason = fmt.Sprintf("successor %v %s", next, e.Reason)
	if moving {
		m.Reason += " (while connections moved to it)"
		m.do(Serve{m.Serving.Inc})
		m.do(Adopt{Dead: next.Inc, To: m.Serving.Inc})
	}
	m.finish(errors.New(m.Reason))
	m.Step = NoStep
	switch {
	case m.Serving.Live():
		m.Mode = Serving
	case m.back == Quarantined:
		m.Mode = Quarantined
		m.do(Quarantine{m.Reason}) // connections may have come meanwhile, in hope
	default: // the old one died while the successor was starting
		e.Reason, m.doubtful = m.Reason, time.Time{}
		m.decide(e)
	}
}
