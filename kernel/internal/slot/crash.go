package slot

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// The rules of the package comment.
const (
	maxDeaths    = 5 // in deathWindow; one more is too many
	deathWindow  = 60 * time.Second
	forgiveAfter = 5 * time.Minute
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 30 * time.Second
)

// An end is what is known of an instance's end.
type end struct {
	Inc    uint64
	Reason string
	Now    time.Time
	Rand   float64
}

// ended takes the instance out of its place, and goes on from there. told is
// whether it ended as it may have been told to.
func (m *machine) ended(e end, told bool) {
	switch {
	case e.Inc == 0:
	case m.Mode == Stopped:
		m.endedStopped(e.Inc)
	case e.Inc == m.Old.Inc:
		m.oldEnded(told)
	case e.Inc == m.Next.Inc && m.Mode == Swapping:
		m.successorEnded(e)
	case e.Inc == m.Next.Inc:
		m.restartEnded(e)
	case e.Inc == m.Serving.Inc:
		m.servingEnded(e)
	}
}

func (m *machine) endedStopped(inc uint64) {
	for _, i := range []*Instance{&m.Serving, &m.Next, &m.Old} {
		if i.Inc == inc {
			*i = Instance{}
			m.stopping()
		}
	}
}

// oldEnded is the end of a draining instance. If it died, what it held goes to
// the instance that serves, or waits for it.
func (m *machine) oldEnded(told bool) {
	dead := m.Old.Inc
	m.Old = Instance{}
	switch {
	case told:
	case m.Mode == Quarantined:
		m.do(Quarantine{m.Reason})
	case m.Serving.Live():
		m.do(Adopt{Dead: dead, To: m.Serving.Inc})
	default:
		m.orphan(dead)
	}
	if m.Step == StepRetiring {
		m.settle()
	}
}

// restartEnded is the end of an instance that was to serve and never did.
func (m *machine) restartEnded(e end) {
	e.Reason = fmt.Sprintf("%v %s", m.Next, e.Reason)
	m.Next = Instance{}
	m.finish(errors.New(e.Reason))
	m.count(e)
	m.decide(e)
}

// servingEnded is a crash.
func (m *machine) servingEnded(e end) {
	dead := m.Serving
	e.Reason = fmt.Sprintf("%v %s", dead, e.Reason)
	m.count(e)
	m.Serving = Instance{}
	switch m.Step {
	case StepStarting:
		m.orphan(dead.Inc)
		m.back, m.doubtful, m.Reason = Restarting, e.Now, e.Reason
	case StepMoving:
		m.Serving, m.Next = m.Next, Instance{}
		m.do(Adopt{Dead: dead.Inc, To: m.Serving.Inc})
		m.doubtful = e.Now
		m.complete(e.Reason + " (while its connections moved)")
	default:
		m.orphan(dead.Inc)
		m.decide(e)
	}
}

func (m *machine) orphan(dead uint64) { m.orphans = append(slices.Clip(m.orphans), dead) }

// count notes a death.
func (m *machine) count(e end) {
	m.Deaths++
	if n := len(m.recent); n > 0 && e.Now.Sub(m.recent[n-1]) >= forgiveAfter {
		m.forgive()
	}
	m.streak++
	recent := append(slices.Clip(m.recent), e.Now)
	m.recent = slices.DeleteFunc(recent, func(t time.Time) bool { return e.Now.Sub(t) >= deathWindow })
}

// decide says what becomes of a slot in which nothing serves any more, after the
// death e was counted.
func (m *machine) decide(e end) {
	doubtful := !m.doubtful.IsZero() && e.Now.Sub(m.doubtful) < deathWindow
	m.doubtful = time.Time{}
	n := len(m.recent)
	switch {
	case doubtful && !m.Previous.IsZero():
		m.revert(e.Reason + " soon after the one before it")
	case n > maxDeaths && !m.Previous.IsZero():
		m.revert(fmt.Sprintf("%v died %d times in %v, last %s", m.Binary, n, deathWindow, e.Reason))
	case n > maxDeaths:
		m.quarantine(fmt.Sprintf("%v died %d times in %v, last %s", m.Binary, n, deathWindow, e.Reason))
	default:
		m.Reason = e.Reason
		m.restart(e.Now, backoff(m.streak, e.Rand))
	}
}

// revert goes back to the last good binary and starts it at once.
func (m *machine) revert(reason string) {
	m.Reason = fmt.Sprintf("%s; rolled back to %v", reason, m.Previous)
	m.Binary, m.Previous = m.Previous, Binary{}
	m.forgive()
	m.restart(time.Time{}, 0)
}

func (m *machine) quarantine(reason string) {
	m.Mode, m.Step, m.Reason = Quarantined, NoStep, reason
	m.orphans = nil
	m.do(Quarantine{reason})
}

func (m *machine) restart(now time.Time, delay time.Duration) {
	m.Mode, m.Step, m.Until = Restarting, NoStep, time.Time{}
	if delay == 0 {
		m.Next = m.start(m.Binary)
		return
	}
	m.Until = now.Add(delay)
	m.do(SetTimer{m.Until})
}

func (m *machine) timer(now time.Time) {
	if m.Mode != Restarting || m.Until.IsZero() || now.Before(m.Until) {
		return
	}
	m.Until = time.Time{}
	m.Next = m.start(m.Binary)
}

// backoff is how long to wait after the streak-th death: not at all after the
// first, then between half and the whole of a time that doubles.
func backoff(streak int, rand float64) time.Duration {
	if streak <= 1 {
		return 0
	}
	d := maxBackoff
	if doublings := streak - 2; doublings < 9 { // 100 ms * 2^9 is beyond the maximum
		d = min(d, firstBackoff<<doublings)
	}
	return d/2 + time.Duration(min(max(rand, 0), 1)*float64(d/2))
}
