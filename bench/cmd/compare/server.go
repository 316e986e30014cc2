package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/netcore-go/netcore/bench/internal/proctree"
	"github.com/netcore-go/netcore/internal/load"
)

// Bounds on a process's beginning and end.
const (
	startTimeout = 15 * time.Second
	stopTimeout  = 10 * time.Second
	probePeriod  = 20 * time.Millisecond
)

// A server is a running variant.
type server struct {
	title   string
	address string
	log     string // path of its standard output and error
	cmd     *exec.Cmd
	end     context.CancelFunc
	last    proctree.Sample
}

// command returns a process that SIGTERM ends when ctx does, and SIGKILL when it
// does not listen or when compare itself is killed. Keyboard signals do not
// reach it.
func command(ctx context.Context, args []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopTimeout
	return cmd
}

// start runs v in dir and waits until it echoes.
func start(ctx context.Context, v *variant, s setup, dir string) (*server, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	args, err := v.command(s, address, dir)
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, fmt.Errorf("create log: %w", err)
	}
	defer log.Close()
	life, end := context.WithCancel(ctx)
	srv := &server{title: v.title, address: address, log: log.Name(), cmd: command(life, args), end: end}
	srv.cmd.Stdout, srv.cmd.Stderr = log, log
	if err := srv.cmd.Start(); err != nil {
		end()
		return nil, fmt.Errorf("start %s: %w", v.title, err)
	}
	if err := srv.probe(ctx); err != nil {
		srv.stop()
		return nil, fmt.Errorf("%s does not serve: %w\n%s", v.title, err, srv.said())
	}
	return srv, nil
}

// probe tries one echo until it comes back.
func (s *server) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	again := time.NewTicker(probePeriod)
	defer again.Stop()
	for {
		r, err := load.Run(ctx, load.Config{Address: s.address, Count: 1})
		if err == nil && r.Messages == 1 {
			return nil
		}
		if err == nil {
			err = errors.New(r.FirstError)
		}
		select {
		case <-ctx.Done():
			return err
		case <-again.C:
		}
		if _, gone := proctree.Read(s.cmd.Process.Pid); gone != nil {
			return gone
		}
	}
}

// sample reads the CPU time of the server's processes.
func (s *server) sample() (proctree.Sample, error) {
	p, err := proctree.Read(s.cmd.Process.Pid)
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", s.title, err, s.said())
	}
	s.last = p
	return p, nil
}

// stop ends the server and what it may have left behind.
func (s *server) stop() {
	s.end()
	_ = s.cmd.Wait() // that it was ended by a signal is no news
	for id := range s.last {
		if id.Alive() {
			_ = syscall.Kill(id.PID, syscall.SIGKILL)
		}
	}
}

// said returns the end of what the server printed.
func (s *server) said() string {
	const most = 2000
	b, err := os.ReadFile(s.log)
	if err != nil {
		return ""
	}
	return string(b[max(len(b)-most, 0):])
}
