package count

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Report is what became of a fleet's messages and connections.
type Report struct {
	Tally
	Sent, Answered int64
	// Ended connections, by kind, and how many of those had a message
	// outstanding.
	Ended map[string]int
	Busy  int
	// Pauses is the longest wait for an answer of each connection that had one,
	// in ascending order.
	Pauses []time.Duration
	faults []string
}

// Report returns what has happened so far. It should be settled.
func (f *Fleet) Report() Report {
	r := Report{Ended: make(map[string]int)}
	skipped := 0
	for _, c := range f.Conns() {
		c.mu.Lock()
		skipped += len(c.missing)
		if c.longest > 0 {
			r.Pauses = append(r.Pauses, c.longest)
		}
		if c.end != nil {
			r.Ended[c.end.Kind]++
			if c.end.Outstanding > 0 {
				r.Busy++
			}
		}
		c.mu.Unlock()
	}
	slices.Sort(r.Pauses)
	f.mu.Lock()
	defer f.mu.Unlock()
	r.Tally, r.faults = f.tally, slices.Clone(f.faults)
	r.Lost = skipped
	r.Sent, r.Answered = f.sent.Load(), f.answers.Load()
	return r
}

// ResetPauses forgets the longest waits so far.
func (f *Fleet) ResetPauses() {
	for _, c := range f.Conns() {
		c.mu.Lock()
		c.longest = 0
		c.mu.Unlock()
	}
}

// Pause is the wait that the given share of the connections did not exceed, as
// 0.99.
func (r Report) Pause(share float64) time.Duration {
	if len(r.Pauses) == 0 {
		return 0
	}
	return r.Pauses[min(int(share*float64(len(r.Pauses))), len(r.Pauses)-1)]
}

// Faults describes what must not be, the first of it in detail; empty if there
// is nothing.
func (r Report) Faults() string {
	if r.Tally == (Tally{}) {
		return ""
	}
	return fmt.Sprintf("%+v\n%s", r.Tally, strings.Join(r.faults, "\n"))
}

// String is the report on one line.
func (r Report) String() string {
	return fmt.Sprintf("%d sent, %d answered, %+v, ended %v (%d with messages outstanding), pause p99 %v max %v",
		r.Sent, r.Answered, r.Tally, r.Ended, r.Busy, r.Pause(0.99).Round(time.Microsecond), r.Pause(1).Round(time.Microsecond))
}
