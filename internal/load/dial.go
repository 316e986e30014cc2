package load

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
)

// dial sets up all connections, cfg.Dials at once. The first error ends it.
func dial(ctx context.Context, cfg *Config) ([]Client, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	clients := make([]Client, cfg.Connections)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(cfg.Dials, cfg.Connections) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(clients)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				c, err := cfg.Protocol.Dial(ctx, cfg.Address, Shape{Size: cfg.Size, Depth: cfg.Depth})
				if err != nil {
					cancel(fmt.Errorf("dial %s: %w", cfg.Address, err))
					return
				}
				clients[i] = c
			}
		})
	}
	wg.Wait()
	if ctx.Err() == nil {
		return clients, nil
	}
	for _, c := range clients {
		if c != nil {
			_ = c.Close() // it was not used
		}
	}
	return nil, context.Cause(ctx)
}
