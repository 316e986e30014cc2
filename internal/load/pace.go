package load

import "time"

// A pacer says when the requests of one connection are due: the connections of
// a run take turns, so that all together keep the rate.
type pacer struct {
	first, interval float64 // nanoseconds of the run's clock
	n               float64
	timer           *time.Timer
	woken           int64 // when the last wait ended
}

// newPacer returns the pacer of a connection; nil if there is no rate.
func newPacer(rate float64, conn, conns int) *pacer {
	if rate == 0 {
		return nil
	}
	turn := float64(time.Second) / rate
	return &pacer{first: turn * float64(conn), interval: turn * float64(conns), timer: time.NewTimer(time.Hour)}
}

// due is when the next request is due.
func (p *pacer) due() int64 { return int64(p.first + p.n*p.interval) }

// start passes on to the next request and returns when the latency of this one
// begins: when it was due, but not before the pacer's timer went off.
func (p *pacer) start() int64 {
	at := max(p.due(), p.woken)
	p.n++
	return at
}

// wait waits until the next request is due, and reports whether to go on.
func (p *pacer) wait(now func() int64, stop, gone <-chan struct{}) bool {
	p.timer.Reset(time.Duration(p.due() - now()))
	select {
	case <-p.timer.C:
		p.woken = now()
		return true
	case <-stop:
		return false
	case <-gone:
		return false
	}
}

func (p *pacer) end() { p.timer.Stop() }
