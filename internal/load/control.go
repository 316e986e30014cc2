package load

import (
	"context"
	"time"
)

// control steps through warm-up and measurement until all connections have
// ended. Its error is the cause of ctx.
func (r *run) control(ctx context.Context, done <-chan struct{}) error {
	stall := time.NewTicker(max(r.cfg.ReplyTimeout/4, time.Millisecond))
	defer stall.Stop()
	second := time.NewTicker(time.Second)
	defer second.Stop()
	phase := time.NewTimer(r.phase())
	defer phase.Stop()
	watch, report := r.watcher(), r.reporter()
	for {
		select {
		case <-done:
			return nil
		case <-ctx.Done():
			r.cancel()
			<-done
			return context.Cause(ctx)
		case <-phase.C:
			if !r.measuring() {
				r.measure()
				second.Reset(time.Second)
				phase.Reset(r.phase())
			} else if r.cfg.Duration > 0 {
				r.halt()
			}
		case now := <-stall.C:
			watch(now)
		case <-second.C:
			report()
		}
	}
}

// measuring reports whether the warm-up is over.
func (r *run) measuring() bool { return r.measureFrom.Load() <= r.now() }

// phase is how long the phase that the run is in lasts; where it has no bound,
// an hour, after which nothing happens.
func (r *run) phase() time.Duration {
	switch {
	case !r.measuring():
		return r.cfg.WarmUp
	case r.cfg.Duration > 0:
		return r.cfg.Duration
	}
	return time.Hour
}

func (r *run) cancel() {
	r.halt()
	for _, c := range r.conns {
		c.end(cancelled)
	}
}

// watcher returns a function that gives up connections on which requests have
// been outstanding and nothing has come back for the reply timeout.
func (r *run) watcher() func(now time.Time) {
	type seen struct {
		base  uint64
		since time.Time // zero: nothing was outstanding
	}
	all := make([]seen, len(r.conns))
	return func(now time.Time) {
		for i, c := range r.conns {
			s, base := &all[i], c.window.base.Load()
			switch {
			case base == c.window.next.Load():
				*s = seen{}
			case s.since.IsZero() || s.base != base:
				*s = seen{base: base, since: now}
			case now.Sub(s.since) >= r.cfg.ReplyTimeout:
				c.end(timedOut)
			}
		}
	}
}

// reporter returns a function that calls Progress.
func (r *run) reporter() func() {
	var before Progress
	return func() {
		if r.cfg.Progress == nil || !r.measuring() {
			return
		}
		all := r.merged()
		p := Progress{
			Elapsed:  time.Duration(r.now() - r.measureFrom.Load()),
			Messages: all.Count(),
			Latency:  all.latency(),
			Errors:   r.counted(),
		}
		p.Rate = float64(p.Messages-before.Messages) / (p.Elapsed - before.Elapsed).Seconds()
		before = p
		r.cfg.Progress(p)
	}
}
