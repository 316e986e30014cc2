package main

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"syscall"

	"go.uber.org/zap"

	"github.com/netcore-go/netcore/cmd/netcore/internal/config"
	"github.com/netcore-go/netcore/kernel"
	"github.com/netcore-go/netcore/kernel/admin"
)

// A runner is the kernel as the run verb uses it.
type runner interface {
	admin.Observer
	admin.Operator
	life
}

// life is a kernel's way from start to end.
type life interface {
	Run(ctx context.Context) error
	Ready() <-chan struct{}
	Reload(ctx context.Context, cfg kernel.Config) error
	Drain(ctx context.Context) error
	Stop(ctx context.Context) error
}

var _ runner = (*kernel.Kernel)(nil)

// A process is one life of netcore run:
//
//	         SIGTERM, SIGINT, stop             Run returns
//	serving ───────────────────────▶ draining ────────────▶ ended
//	   │                                │ SIGTERM, SIGINT       ▲
//	   └────────────────────────────────┴──────▶ forced ────────┘
//	              stop --force
//
// The admin servers start first and end last, so that the whole way can be watched.
type process struct {
	kernel runner
	source config.Source
	config config.Config // as it was at the start
	logger *zap.Logger
	level  zap.AtomicLevel

	stops     chan bool     // asks supervise for an end; true forces it
	ended     chan struct{} // closed when nobody receives from stops any more
	reloading chan struct{} // holds a token while a reload runs
	work      sync.WaitGroup
}

func newProcess(k runner, src config.Source, cfg config.Config, logger *zap.Logger, level zap.AtomicLevel) *process {
	return &process{
		kernel: k, source: src, config: cfg, logger: logger, level: level,
		stops: make(chan bool), ended: make(chan struct{}), reloading: make(chan struct{}, 1),
	}
}

// run serves until the end. release gives the signals back to the system: it is
// called once an end is forced, so that the next signal kills what hangs.
func (p *process) run(ctx context.Context, socket, public net.Listener, signals <-chan os.Signal, release func()) error {
	defer release()
	adminCtx, endAdmin := context.WithCancel(context.WithoutCancel(ctx))
	defer endAdmin()
	adminDone := make(chan error, 1)
	go func() {
		server := admin.Server{Kernel: p.kernel, Operator: p.kernel, Process: p, Logger: p.logger}
		adminDone <- server.Serve(adminCtx, socket, public)
	}()

	s := supervision{process: p, ready: func() { logStart(p.logger, socket, public) }, release: release}
	err := s.run(ctx, signals)
	close(p.ended)
	endAdmin()
	p.work.Wait()
	return errors.Join(err, <-adminDone)
}

// Reload is admin.Process's.
func (p *process) Reload(ctx context.Context) error { return p.reload(ctx) }

// Drain is admin.Process's. The kernel's end ends it: ctx, which ends right
// after that, must not get ahead of it.
func (p *process) Drain(ctx context.Context) error {
	return p.kernel.Drain(context.WithoutCancel(ctx))
}

// Stop is admin.Process's.
func (p *process) Stop(force bool) {
	select {
	case p.stops <- force:
	case <-p.ended:
	}
}

// A supervision is the loop that decides what signals and requests do. Its
// fields belong to run's goroutine.
type supervision struct {
	*process
	ready    func()
	release  func()
	drain    context.CancelFunc
	draining bool
	forced   bool
}

// run runs the kernel until it has ended.
func (s *supervision) run(ctx context.Context, signals <-chan os.Signal) error {
	background := context.WithoutCancel(ctx)
	runCtx, drain := context.WithCancel(ctx)
	defer drain()
	s.drain = drain
	done := make(chan error, 1)
	go func() { done <- s.kernel.Run(runCtx) }()

	ready, ctxDone := s.kernel.Ready(), ctx.Done()
	for {
		select {
		case <-ready:
			ready = nil
			s.ready()
		case sig := <-signals:
			s.signal(background, sig)
		case force := <-s.stops:
			s.stop(background, force, "stop command")
		case <-ctxDone:
			ctxDone = nil
			s.stop(background, false, "context ended")
		case err := <-done:
			return s.exit(err)
		}
	}
}

func (s *supervision) signal(ctx context.Context, sig os.Signal) {
	if sig != syscall.SIGHUP {
		s.stop(ctx, s.draining, sig.String())
		return
	}
	s.work.Go(func() {
		if err := s.reload(ctx); err != nil {
			s.logger.Error("reload rejected, the old configuration stays", zap.Error(err))
		}
	})
}

// stop begins a drain, or ends the kernel at once. It does not wait.
func (s *supervision) stop(ctx context.Context, force bool, why string) {
	if force && !s.forced {
		s.forced = true
		s.logger.Warn("stopping at once", zap.String("cause", why))
		s.release()
		s.drain() // ends a start that is under way
		s.work.Go(func() {
			if err := s.kernel.Stop(ctx); err != nil {
				s.logger.Error("stop", zap.Error(err))
			}
		})
	}
	if !force && !s.draining {
		s.draining = true
		s.logger.Info("stopping", zap.String("cause", why))
		s.drain()
	}
}

// exit turns the end of the kernel into that of the process.
func (s *supervision) exit(err error) error {
	switch {
	case s.forced:
		return &exitError{exitForced, err}
	case s.draining && errors.Is(err, context.Canceled):
		return nil // stopped while it was starting
	case err != nil && (s.draining || errors.Is(err, kernel.ErrUnclean)):
		return &exitError{exitUnclean, err}
	case err != nil:
		return err
	}
	return nil
}
