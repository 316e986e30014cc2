package load

import "sync/atomic"

// A duplex is what the two goroutines of a connection that sends by itself share:
//
//	sendAll ── push, Send ──▶ server ──▶ receiveAll ── take
//	   ▲                                     │
//	   └──────────────── room ◀──────────────┘
type duplex struct {
	*conn
	room chan struct{} // capacity 1: room was made since the sender looked
	gone chan struct{} // closed when the receiver has ended
	sent atomic.Bool   // the sender has ended
}

func (c *conn) duplex() error {
	d := &duplex{conn: c, room: make(chan struct{}, 1), gone: make(chan struct{})}
	sender := make(chan struct{})
	go func() { // ends with the run's sending or with the receiver
		defer close(sender)
		d.sendAll()
	}()
	err := d.receiveAll()
	close(d.gone)
	_ = c.client.Close() // the sender may be in Send; finish says what is to be said
	<-sender
	return err
}

func (d *duplex) sendAll() {
	if d.pace != nil {
		defer d.pace.end()
	}
	for d.ready() {
		start := d.start()
		// An error is not lost: the receiver sees the connection end.
		if !d.more(start) || d.send(start) != nil {
			break
		}
	}
	_ = d.client.Flush()
	// Either this sees the last reply's take, or the receiver sees sent.
	d.sent.Store(true)
	if d.complete() {
		d.end(finished)
	}
}

// complete reports whether all is sent and answered.
func (d *duplex) complete() bool { return d.sent.Load() && !d.window.open() }

// ready waits until the next request is due and has room, and reports whether
// to go on. It flushes before it waits.
func (d *duplex) ready() bool {
	if d.pace != nil && d.run.now() < d.pace.due() {
		if d.client.Flush() != nil || !d.pace.wait(d.run.now, d.run.stop, d.gone) {
			return false
		}
	}
	for !d.window.room() {
		if d.client.Flush() != nil {
			return false
		}
		select {
		case <-d.room:
		case <-d.run.stop:
			return false
		case <-d.gone:
			return false
		}
	}
	return true
}

func (d *duplex) start() int64 {
	if d.pace != nil {
		return d.pace.start()
	}
	return d.run.now()
}

// receiveAll receives until all is sent and answered, or the connection ends.
func (d *duplex) receiveAll() error {
	for !d.complete() {
		if _, err := d.receive(); err != nil {
			if d.complete() {
				return nil // the sender closed it
			}
			return err
		}
		select {
		case d.room <- struct{}{}:
		default: // the sender has not looked since
		}
	}
	return nil
}
