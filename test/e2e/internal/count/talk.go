package count

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"
)

// tick is how often talkers are served.
const tick = 2 * time.Millisecond

// Talk has the given clients send rate messages a second, together and in
// random order, until ctx ends. Those that have ended are passed over.
func Talk(ctx context.Context, conns []*Conn, rate int) error {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	order := slices.Clone(conns)
	start, sent := time.Now(), 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		due := int(time.Since(start).Seconds() * float64(rate))
		for ; sent < due; sent++ {
			at := sent % len(order)
			if at == 0 {
				rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
			}
			if err := order[at].Send(); err != nil && !ended(err) {
				return fmt.Errorf("connection %d: %w", order[at].Number, err)
			}
		}
	}
}

// ended reports whether an error of Send is of a connection that has ended,
// which its reader notes.
func ended(err error) bool {
	return errors.Is(err, net.ErrClosed) || kind(err) == "RST"
}

// StartTalk starts Talk; stop ends it and returns its error.
func StartTalk(conns []*Conn, rate int) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1) // capacity 1: the goroutine ends in any case
	go func() { result <- Talk(ctx, conns, rate) }()
	return sync.OnceValue(func() error {
		cancel()
		return <-result
	})
}

// Ask has each client that lives send one message, and returns when all are
// answered. See Settle.
func (f *Fleet) Ask(ctx context.Context) error {
	before := f.Answers()
	for i, c := range f.Conns() {
		if err := c.Send(); err != nil && !ended(err) {
			return fmt.Errorf("connection %d: %w", c.Number, err)
		}
		if i%100 == 99 {
			f.await(ctx, before+int64(i)-200)
		}
	}
	return f.Settle(ctx)
}

// await waits until so many answers have come, but not long: some may never come.
func (f *Fleet) await(ctx context.Context, answers int64) {
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(100 * time.Millisecond); f.Answers() < answers && time.Now().Before(end); {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// AwaitAnswers returns when n answers have come since the call.
func (f *Fleet) AwaitAnswers(ctx context.Context, n int64) error {
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for goal := f.Answers() + n; f.Answers() < goal; {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d answers are missing: %w", goal-f.Answers(), n, ctx.Err())
		}
	}
	return nil
}

// Settle returns when no client that lives waits for an answer. At the end of
// ctx it names those that do.
func (f *Fleet) Settle(ctx context.Context) error {
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		waiting := f.waiting()
		if len(waiting) == 0 {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("%d connections wait for answers, %w:\n%s", len(waiting), ctx.Err(), describe(waiting))
		}
	}
}

func (f *Fleet) waiting() (waiting []*Conn) {
	for _, c := range f.Conns() {
		if n, _ := c.Outstanding(); n > 0 && c.End() == nil {
			waiting = append(waiting, c)
		}
	}
	return waiting
}

func describe(conns []*Conn) (text string) {
	for _, c := range conns[:min(len(conns), maxFaults)] {
		n, since := c.Outstanding()
		c.mu.Lock()
		text += fmt.Sprintf("  connection %d (%v): %d of %d messages, from %d on, since %s\n",
			c.Number, c.c.LocalAddr(), n, c.sent, c.want, since.Format("15:04:05.000"))
		c.mu.Unlock()
	}
	return text
}
