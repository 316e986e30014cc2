package process

import (
	"context"
	"time"

	pluginpb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// watch asks for a sign of life until the process has ended or is found to
// hang. One missed question is never enough: if it was the kernel that stood
// still, the first is missed without having been asked.
func (p *Process) watch() {
	l := p.spec.Liveness
	ticker := time.NewTicker(l.Interval)
	defer ticker.Stop()
	answered, missed := time.Now(), 0
	for {
		select {
		case <-p.done:
			return
		case <-ticker.C:
		}
		timeout := l.Timeout
		if left := l.Silence - time.Since(answered); left > 0 {
			timeout = min(timeout, left)
		}
		if p.alive(timeout) {
			answered, missed = time.Now(), 0
			continue
		}
		missed++
		if missed > 1 && time.Since(answered) >= l.Silence {
			close(p.hung)
			return
		}
	}
}

func (p *Process) alive(timeout time.Duration) bool {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	_, err := p.control.Health(ctx, &pluginpb.HealthRequest{})
	return err == nil
}
