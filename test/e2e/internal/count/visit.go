package count

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// visitLimit bounds one visit: longer is a hang.
const visitLimit = 30 * time.Second

// Visits are clients that come, say one thing and wait for the answer. Then they
// go, or, if they stay, listen until Stop.
type Visits struct {
	stay     bool
	answered atomic.Int64
	cancel   context.CancelFunc
	work     sync.WaitGroup

	mu     sync.Mutex // guards the fields below
	visits []Visit
}

// A Visit is one that is over.
type Visit struct {
	Began, Answered time.Time
	// Connected says that the connection was accepted.
	Connected bool
	// Err is nil if the right answer came.
	Err error
}

// Cut reports whether the server ended the visit's connection.
func (v Visit) Cut() bool {
	return v.Connected && v.Err != nil && (kind(v.Err) == "EOF" || kind(v.Err) == "RST")
}

// String describes a visit in an error.
func (v Visit) String() string {
	return fmt.Sprintf("visit at %s, answered or cut after %v: %v", v.Began.Format("15:04:05.000"), v.Answered.Sub(v.Began).Round(time.Millisecond), v.Err)
}

// StartVisits begins visits, so many a second, until Stop.
func StartVisits(address string, perSecond int, stay bool) *Visits {
	ctx, cancel := context.WithCancel(context.Background())
	v := &Visits{cancel: cancel, stay: stay}
	v.work.Go(func() { v.run(ctx, address, perSecond) })
	return v
}

func (v *Visits) run(ctx context.Context, address string, perSecond int) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	start, begun := time.Now(), 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for due := int(time.Since(start).Seconds() * float64(perSecond)); begun < due; begun++ {
			v.work.Go(func() { v.visit(ctx, address) }) // ends within visitLimit
		}
	}
}

func (v *Visits) visit(ctx context.Context, address string) {
	it := Visit{Began: time.Now()}
	c, err := net.Dial("tcp", address)
	if err == nil {
		it.Connected = true
		err = ask(c)
		it.Answered = time.Now()
		if err == nil {
			v.answered.Add(1)
		}
		if err == nil && v.stay {
			err = listen(ctx, c)
		}
		c.Close()
	}
	it.Err = err
	v.mu.Lock()
	defer v.mu.Unlock()
	v.visits = append(v.visits, it)
}

// ask sends one message and waits for its answer.
func ask(c net.Conn) error {
	if err := c.SetDeadline(time.Now().Add(visitLimit)); err != nil {
		return err
	}
	number := numbers.Add(1)
	if _, err := c.Write(appendMessage(nil, number, 0)); err != nil {
		return err
	}
	var buf []byte
	payload, err := readFrame(bufio.NewReaderSize(c, 2*maxMessage), &buf)
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	got, seq, err := parse(payload)
	if err == nil && (got != number || seq != 0) {
		err = fmt.Errorf("answer %d of connection %d, want 0 of %d", seq, got, number)
	}
	return err
}

// Await returns when n visits more have been answered.
func (v *Visits) Await(ctx context.Context, n int64) error {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for goal := v.answered.Load() + n; v.answered.Load() < goal; {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d visits are not answered: %w", goal-v.answered.Load(), n, ctx.Err())
		}
	}
	return nil
}

// listen waits for an end of the connection that is none of ours, until ctx ends.
func listen(ctx context.Context, c net.Conn) error {
	stop := context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) }) // it can only be closed
	defer stop()
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return nil
	}
	n, err := c.Read(make([]byte, 1))
	switch {
	case n > 0:
		return errors.New("a second answer came")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil
	}
	return err
}

// Stop ends the visits, waits until the last one is over and returns all.
func (v *Visits) Stop() []Visit {
	v.cancel()
	v.work.Wait()
	return v.Over()
}

// Over returns the visits that are over.
func (v *Visits) Over() []Visit {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.visits)
}

// Longest is how long the longest visit took.
func Longest(visits []Visit) (d time.Duration) {
	for _, v := range visits {
		d = max(d, v.Answered.Sub(v.Began))
	}
	return d
}

// Back is how long after t the first visit that began after it was answered;
// false if none was.
func Back(visits []Visit, t time.Time) (first time.Duration, ok bool) {
	for _, v := range visits {
		if d := v.Answered.Sub(t); v.Err == nil && v.Began.After(t) && (!ok || d < first) {
			first, ok = d, true
		}
	}
	return first, ok
}
