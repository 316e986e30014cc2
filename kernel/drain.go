package kernel

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	fsm "github.com/netcore-go/netcore/kernel/internal/slot"
	"github.com/netcore-go/netcore/sdk/link"
)

const (
	// drainPass is how often a drain looks for connections that have come to rest.
	drainPass = 20 * time.Millisecond
	// lastGasp is how long cut-off connections have to be closed.
	lastGasp = 500 * time.Millisecond
)

// Drain has Run end: nothing is accepted any more, each connection is closed
// as soon as nothing of it is under way, and at the drain timeout the rest is
// cut off. Drain returns when Run has returned, or ctx ends.
func (k *Kernel) Drain(ctx context.Context) error {
	k.drainOne.Do(func() { close(k.drains) })
	return k.await(ctx)
}

// Stop has Run end at once: connections are cut off. It returns when Run has
// returned, or ctx ends.
func (k *Kernel) Stop(ctx context.Context) error {
	k.forceOne.Do(func() { close(k.force) })
	return k.await(ctx)
}

func (k *Kernel) await(ctx context.Context) error {
	if k.stage.Load() == stageNew {
		return nil
	}
	select {
	case <-k.gone:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// wind ends what Run has started.
func (k *Kernel) wind() error {
	k.reloading.Lock() // a reload under way comes first
	defer k.reloading.Unlock()
	k.stage.Store(stageDraining)
	for _, l := range k.allListeners() {
		l.close()
	}
	k.log.Info("draining", zap.Int("connections", k.conns.Len()))
	k.closeResting()
	cut, forced := k.conns.Len(), k.forced()
	if cut > 0 {
		k.log.Warn("connections cut off", zap.Int("connections", cut))
		k.cutOff()
		// A handler that does not even answer the end must not hold up the stop.
		k.forceOne.Do(func() { close(k.force) })
	}
	k.tearDown()
	k.log.Info("stopped")
	if cut > 0 && !forced {
		return fmt.Errorf("%w: %d at the drain timeout of %v", ErrUnclean, cut, k.drainTimeout())
	}
	return nil
}

// closeResting closes connections as they come to rest, until none is left, the
// drain timeout has passed, or Stop was called.
func (k *Kernel) closeResting() {
	limit := time.NewTimer(k.drainTimeout())
	defer limit.Stop()
	pass := time.NewTicker(drainPass)
	defer pass.Stop()
	for k.conns.Len() > 0 && !k.forced() {
		t := newTurn()
		k.conns.All(func(_ uint64, c *conn) bool {
			c.mu.Lock()
			defer c.mu.Unlock()
			if c.resting() {
				k.end(t, c, link.CauseDraining)
			}
			return true
		})
		t.flush()
		select {
		case <-pass.C:
		case <-limit.C:
			return
		case <-k.force:
			return
		}
	}
}

// resting reports whether nothing of c is under way. c.mu is held.
func (c *conn) resting() bool {
	return c.given.messages == 0 && !c.midway && !c.inMidway && len(c.held) == 0 && len(c.rest) == 0 &&
		c.out.Bytes() == 0 && c.tie != tieLeaving && c.tie != tieOffered
}

// cutOff closes all connections at once.
func (k *Kernel) cutOff() {
	t := newTurn()
	k.conns.All(func(_ uint64, c *conn) bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		k.abort(t, c, link.CauseDraining)
		return true
	})
	t.flush()
	for deadline := time.Now().Add(lastGasp); k.conns.Len() > 0 && time.Now().Before(deadline); {
		k.pause(drainPass)
	}
}

// tearDown stops all instances, protocols first, since handlers hear of the end
// of connections from them; then it waits for every goroutine.
func (k *Kernel) tearDown() {
	for _, protocol := range []bool{true, false} {
		var wg sync.WaitGroup
		for _, s := range k.allSlots() {
			if s.protocol == protocol {
				wg.Go(s.stop)
			}
		}
		wg.Wait()
	}
	k.quit()
	k.launcher.Close()
	k.work.Wait()
	for _, s := range k.allSlots() {
		s.release()
	}
	k.forgetAll()
}

// stop stops a slot; it returns when no instance of it is left.
func (s *slot) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*stopTimeout)
	defer cancel()
	if _, err := s.operate(ctx, nil, func(op uint64) fsm.Event { return fsm.StopRequested{Op: op} }); err != nil {
		s.k.log.Warn("stop", zap.Error(err))
	}
}

// release closes the images, which no instance runs any more.
func (s *slot) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer != nil {
		s.timer.Stop()
	}
	for key, im := range s.images {
		im.close()
		delete(s.images, key)
	}
}

// forgetAll lets go of connections whose plugins ended before they did.
func (k *Kernel) forgetAll() {
	t := newTurn()
	k.conns.All(func(_ uint64, c *conn) bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.blame(link.CauseDraining)
		c.done = true
		c.closeDescriptor()
		k.forget(c)
		return true
	})
	t.flush()
}
