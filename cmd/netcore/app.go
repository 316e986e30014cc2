package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/netcore-go/netcore/cmd/netcore/internal/config"
	"github.com/netcore-go/netcore/kernel"
)

// The exit statuses. A supervisor should not restart after exitFailed.
const (
	exitClean   = 0
	exitFailed  = 1 // the configuration, the start or the command is wrong
	exitForced  = 2 // a second signal or stop --force cut the drain short
	exitUnclean = 3 // the drain ended with connections cut off, or in an error
)

// run is netcore with the given arguments; it returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	a := app{
		stdout:     stdout,
		stderr:     stderr,
		place:      config.Here,
		now:        time.Now,
		gomaxprocs: runtime.GOMAXPROCS,
		signals:    signals,
		check:      kernel.Check,
		newKernel:  func(c kernel.Config, o kernel.Options) (runner, error) { return kernel.New(c, o) },
	}
	return a.run(ctx, args)
}

// An app is what the verbs use of the world outside; tests replace parts of it.
type app struct {
	stdout, stderr io.Writer
	place          func() (config.Place, error)
	now            func() time.Time
	gomaxprocs     func(n int) int
	// signals returns the signals that the process gets until stop is called.
	signals   func() (received <-chan os.Signal, stop func())
	check     func(context.Context, kernel.Config, kernel.Options) error
	newKernel func(kernel.Config, kernel.Options) (runner, error)
}

func (a *app) run(ctx context.Context, args []string) int {
	root := a.rootCommand()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitClean
	}
	code := exitFailed
	if e, ok := errors.AsType[*exitError](err); ok {
		code, err = e.code, e.err
	}
	if err != nil {
		a.printError(err)
	}
	return code
}

// printError writes errors of the configuration as they are, so that editors
// find file:line:column at the line's start.
func (a *app) printError(err error) {
	prefix := "netcore: "
	if _, ok := errors.AsType[config.Errors](err); ok {
		prefix = ""
	}
	fmt.Fprintf(a.stderr, "%s%s\n", prefix, strings.TrimSpace(err.Error()))
}

// An exitError ends the process with a status other than exitFailed.
type exitError struct {
	code int
	err  error // may be nil
}

func (e *exitError) Error() string { return fmt.Sprintf("exit status %d: %v", e.code, e.err) }

func (e *exitError) Unwrap() error { return e.err }

// signals has room for the two that force an end, so that neither is lost
// while the receiver is busy.
func signals() (<-chan os.Signal, func()) {
	c := make(chan os.Signal, 2)
	signal.Notify(c, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	return c, func() { signal.Stop(c) }
}
