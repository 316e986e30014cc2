package handlerhost

// fairness is how many items of one lane a worker runs before it lets others
// come first.
const fairness = 32

// A lane is a queue whose items run one after another: one of the connection
// itself, and one of each stream that has something to do. It is active while
// it is in the pool's queue or with a worker.
type lane struct {
	conn       *conn
	stream     uint64
	next       *lane // in the pool's queue
	head, tail *item // guarded by conn.mu, as is the next field
	active     bool
}

// enqueue queues it and has its lane run. Streams do not run before the
// connection has been announced.
func (c *conn) enqueue(it *item) {
	c.mu.Lock()
	l := c.laneLocked(it.stream)
	if l.tail == nil {
		l.head = it
	} else {
		l.tail.next = it
	}
	l.tail = it
	start := !l.active
	if it.stream == 0 {
		start = start && !c.waiting
	} else {
		start = start && c.opened
	}
	l.active = l.active || start
	c.mu.Unlock()
	if start {
		c.host.pool.push(l)
	}
}

func (c *conn) laneLocked(stream uint64) *lane {
	if stream == 0 {
		return &c.main
	}
	l := c.streams[stream]
	if l == nil {
		l = &lane{conn: c, stream: stream}
		if c.streams == nil {
			c.streams = make(map[uint64]*lane)
		}
		c.streams[stream] = l
	}
	return l
}

// setOpened lets the streams run.
func (c *conn) setOpened() {
	c.mu.Lock()
	c.opened = true
	var start []*lane
	for _, l := range c.streams {
		if !l.active {
			l.active = true
			start = append(start, l)
		}
	}
	c.mu.Unlock()
	for _, l := range start {
		c.host.pool.push(l)
	}
}

// run runs what is queued, up to the fairness bound.
func (l *lane) run() {
	for range fairness {
		it := l.take()
		if it == nil {
			return
		}
		l.conn.host.do(l.conn, it)
	}
	l.conn.host.pool.push(l)
}

// take returns the next item, or nil after it has made the lane inactive.
func (l *lane) take() *item {
	c := l.conn
	c.mu.Lock()
	it := l.head
	switch {
	case c.done: // nothing comes after the end
		l.head, l.tail, l.active = nil, nil, false
		it = nil
	case it == nil:
		l.active = false
	case it.kind == itemUnbind && len(c.streams) > 0:
		l.active, c.waiting = false, true
		it = nil
	default:
		l.head = it.next
		if l.head == nil {
			l.tail = nil
		}
		it.next = nil
	}
	end := it == nil && l.stream != 0 && c.leaveLocked(l)
	c.mu.Unlock()
	if end {
		c.host.pool.push(&c.main)
	}
	return it
}

// leaveLocked forgets a stream's lane, and reports whether it was the last that
// the end of the connection waits for.
func (c *conn) leaveLocked(l *lane) bool {
	delete(c.streams, l.stream)
	if len(c.streams) > 0 {
		return false
	}
	c.streams = nil
	if !c.waiting {
		return false
	}
	c.waiting = false
	c.main.active = true
	return true
}
