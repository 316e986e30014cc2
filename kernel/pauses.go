package kernel

import (
	"slices"
	"sync"
	"time"
)

// pauses gathers how long connections stood still in a swap.
type pauses struct {
	mu  sync.Mutex // guards the field below; taken after a connection's mu
	all []time.Duration
}

func (p *pauses) add(d time.Duration) {
	p.mu.Lock()
	p.all = append(p.all, d)
	p.mu.Unlock()
}

// take returns how many there were, the longest, and the one that 99 % stayed
// below, and forgets them.
func (p *pauses) take() (n int, longest, p99 time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.all
	p.all = nil
	if len(all) == 0 {
		return 0, 0, 0
	}
	slices.Sort(all)
	return len(all), all[len(all)-1], all[(len(all)-1)*99/100]
}
