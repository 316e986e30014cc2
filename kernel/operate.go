package kernel

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"

	fsm "github.com/netcore-go/netcore/kernel/internal/slot"
	"github.com/netcore-go/netcore/sdk/link"
)

// Swap replaces the running instance of a plugin by one of the executable at
// path, or at the configured path if that is empty. It returns when all
// connections that can move have moved. If it fails, the old instance serves on
// and the error says why; it wraps ErrBusy, ErrUnknown or ErrDraining where
// that is the reason.
func (k *Kernel) Swap(ctx context.Context, name, path string) (SwapReport, error) {
	return k.replace(ctx, name, func(s *slot) (*image, func(op uint64) fsm.Event, error) {
		im, err := s.load(path)
		if err != nil {
			return nil, nil, err
		}
		return im, func(op uint64) fsm.Event { return fsm.SwapRequested{Op: op, Binary: im.binary()} }, nil
	})
}

// Rollback is a Swap to the executable that ran before the last one, as it was.
func (k *Kernel) Rollback(ctx context.Context, name string) (SwapReport, error) {
	return k.replace(ctx, name, func(*slot) (*image, func(op uint64) fsm.Event, error) {
		return nil, func(op uint64) fsm.Event { return fsm.RollbackRequested{Op: op} }, nil
	})
}

// replace runs an operation that ends with another instance serving.
func (k *Kernel) replace(ctx context.Context, name string, prepare func(*slot) (*image, func(op uint64) fsm.Event, error)) (SwapReport, error) {
	s, err := k.slotNamed(name)
	if err != nil {
		return SwapReport{}, err
	}
	if k.draining() {
		return SwapReport{}, fmt.Errorf("plugin %s: %w", name, ErrDraining)
	}
	im, event, err := prepare(s)
	if err != nil {
		return SwapReport{}, err
	}
	began := time.Now()
	from := s.serving.Load()
	reply, err := s.operate(ctx, im, event)
	if err != nil {
		return SwapReport{}, err
	}
	report := SwapReport{Plugin: name, Incarnation: reply.Inc, Duration: time.Since(began)}
	if from != nil {
		report.FromVersion = from.manifest.Version
		report.Remaining = int(from.conns.Load())
		report.Moved, report.PauseMax, report.PauseP99 = from.pauses.take()
	}
	if to := s.serving.Load(); to != nil {
		report.ToVersion = to.manifest.Version
	}
	k.log.Info("plugin swapped", zap.String("plugin", name), zap.String("from", report.FromVersion), zap.String("to", report.ToVersion),
		zap.Uint64("incarnation", report.Incarnation), zap.Int("moved", report.Moved), zap.Int("remaining", report.Remaining),
		zap.Duration("took", report.Duration), zap.Duration("pause_max", report.PauseMax))
	return report, nil
}

// Reset forgets a plugin's deaths: one in quarantine or back-off is started at
// once.
func (k *Kernel) Reset(ctx context.Context, name string) error {
	s, err := k.slotNamed(name)
	if err != nil {
		return err
	}
	_, err = s.operate(ctx, nil, func(op uint64) fsm.Event { return fsm.ResetRequested{Op: op} })
	return err
}

// fromSlot makes a slot's error the kernel's own kind.
func fromSlot(err error) error {
	switch {
	case errors.Is(err, fsm.ErrBusy):
		return fmt.Errorf("%w: %s", ErrBusy, strings.TrimPrefix(err.Error(), fsm.ErrBusy.Error()+": "))
	case errors.Is(err, fsm.ErrStopped):
		return fmt.Errorf("%w: %w", ErrDraining, err)
	}
	return err
}

// CloseConnection closes the connection of that ID, after what is queued for it.
func (k *Kernel) CloseConnection(id string) error {
	n, err := link.ParseID(id)
	if err != nil {
		return fmt.Errorf("%w connection %q: %w", ErrUnknown, id, err)
	}
	c := k.conns.Get(n)
	if c == nil {
		return fmt.Errorf("%w connection %q", ErrUnknown, id)
	}
	t := newTurn()
	c.mu.Lock()
	k.end(t, c, link.CauseOperator)
	c.mu.Unlock()
	t.flush()
	return nil
}
