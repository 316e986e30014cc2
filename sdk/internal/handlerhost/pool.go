package handlerhost

import (
	"sync"
	"time"
)

const (
	// maxWorkers bounds the goroutines of a host that run user code.
	maxWorkers = 512
	// idleTime is how long a worker may be of no use before it ends.
	idleTime = 10 * time.Second
)

// A pool runs lanes on goroutines that it starts when they are needed.
//
// At most one worker is being woken at a time; having taken a lane it wakes the
// next if there is more to do. So handlers that return at once are served by as
// many workers as there are processors, and ones that block by many.
type pool struct {
	mu         sync.Mutex // guards the fields below
	wake       sync.Cond  // for parked workers
	head, tail *lane
	workers    int
	parked     int
	lowest     int  // of parked, since the last tick
	retire     int  // parked workers that are to end
	waking     bool // a worker is on its way
	closed     bool
	ticker     *time.Timer
	all        sync.WaitGroup
}

func (p *pool) init() { p.wake.L = &p.mu }

// push queues l, which must be active.
func (p *pool) push(l *lane) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	if p.tail == nil {
		p.head = l
	} else {
		p.tail.next = l
	}
	p.tail = l
	p.wakeLocked()
}

func (p *pool) wakeLocked() {
	switch {
	case p.waking || p.head == nil:
	case p.parked > 0:
		p.waking = true
		p.wake.Signal()
	case p.workers < maxWorkers:
		p.waking = true
		p.workers++
		p.all.Add(1)
		go p.work() // ends when it is idle for long, or at close
		if p.ticker == nil {
			p.ticker = time.AfterFunc(idleTime, p.tick)
		}
	}
}

func (p *pool) work() {
	defer p.all.Done()
	woken := true
	for {
		l := p.take(woken)
		if l == nil {
			return
		}
		woken = false
		l.run()
	}
}

// take waits for a lane. It returns nil when the worker is to end.
func (p *pool) take(woken bool) *lane {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		if woken {
			p.waking = false
		}
		if p.closed {
			return nil
		}
		if l := p.head; l != nil {
			p.popLocked()
			if woken {
				p.wakeLocked()
			}
			return l
		}
		if woken && p.retire > 0 {
			p.retire--
			p.workers--
			return nil
		}
		p.parked++
		p.wake.Wait()
		p.parked--
		p.lowest = min(p.lowest, p.parked)
		woken = true
	}
}

func (p *pool) popLocked() {
	l := p.head
	p.head = l.next
	if p.head == nil {
		p.tail = nil
	}
	l.next = nil
}

// tick ends the workers that were not needed since the last tick.
func (p *pool) tick() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	if p.workers == 0 {
		p.ticker = nil
		return
	}
	p.retire, p.lowest = p.lowest, p.parked
	if p.retire > 0 {
		p.wake.Broadcast()
	}
	p.ticker.Reset(idleTime)
}

// close drops what is queued and returns when all workers have ended.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	p.head, p.tail = nil, nil
	if p.ticker != nil {
		p.ticker.Stop()
	}
	p.wake.Broadcast()
	p.mu.Unlock()
	p.all.Wait()
}
