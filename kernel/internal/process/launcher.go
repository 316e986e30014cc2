package process

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
)

// ErrClosed is what Start returns after Close.
var ErrClosed = errors.New("launcher closed")

// A Launcher starts processes. All are forked from one thread that lives as
// long as the launcher: Linux kills them when the thread that forked them ends,
// which without that would be any moment, and with it is the end of the kernel,
// however it comes. The zero value is ready for use.
type Launcher struct {
	once   sync.Once
	ctx    context.Context // of the launcher's life, not of a call; see init
	cancel context.CancelFunc
	jobs   chan func()
	ended  chan struct{}

	mu     sync.Mutex // guards the fields below
	closed bool
	busy   sync.WaitGroup // Starts that run, and processes until all is cleaned up
}

// Start starts a process and returns when it can be called. An error names the
// plugin, its path and the reason, and leaves nothing behind. ctx bounds the
// start only.
func (l *Launcher) Start(ctx context.Context, spec Spec) (*Process, error) {
	if !l.enter() {
		return nil, fmt.Errorf("start plugin %s (%s): %w", spec.Name, spec.Path, ErrClosed)
	}
	defer l.busy.Done()
	p, err := l.start(ctx, spec.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("start plugin %s (%s): %w", spec.Name, spec.Path, err)
	}
	return p, nil
}

// Close kills the processes that are left and returns when nothing of them
// remains. It may be called more than once.
func (l *Launcher) Close() {
	l.mu.Lock()
	first := !l.closed
	l.closed = true
	l.mu.Unlock()
	l.once.Do(l.init)
	l.cancel()
	l.busy.Wait()
	if first {
		close(l.jobs)
	}
	<-l.ended
}

// enter counts one more thing that Close waits for; not ok after Close.
func (l *Launcher) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.once.Do(l.init)
	l.busy.Add(1)
	return true
}

func (l *Launcher) init() {
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.jobs = make(chan func())
	l.ended = make(chan struct{})
	go l.thread() // ends when Close closes jobs
}

// thread runs the forks. It never unlocks its thread, which ends with it.
func (l *Launcher) thread() {
	runtime.LockOSThread()
	defer close(l.ended)
	for f := range l.jobs {
		f()
	}
}

// fork is fork on the launcher's thread.
func (l *Launcher) fork(path string, argv, env []string, files []int) (c *child, err error) {
	done := make(chan struct{})
	l.jobs <- func() {
		defer close(done)
		c, err = fork(path, argv, env, files)
	}
	<-done
	return c, err
}
