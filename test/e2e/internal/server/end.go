package server

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Signal sends a signal to the kernel's process.
func (s *Server) Signal(sig syscall.Signal) error { return s.cmd.Process.Signal(sig) }

// Exit waits for the end of the process and returns its exit status, -1 if a
// signal has ended it.
func (s *Server) Exit() (int, error) {
	select {
	case <-s.exited:
	case <-time.After(Patience):
		return 0, fmt.Errorf("netcore has not ended within %v\n%s", Patience, s.Log())
	}
	if exit, ok := errors.AsType[*exec.ExitError](s.err); ok {
		return exit.ExitCode(), nil
	}
	return 0, s.err
}

// Stop ends the process in order and returns an error if it was not.
func (s *Server) Stop() error {
	if err := s.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	code, err := s.Exit()
	if err == nil && code != 0 {
		err = fmt.Errorf("exit status %d\n%s", code, s.Log())
	}
	return err
}

// Kill ends the process with SIGKILL, if it has not ended yet.
func (s *Server) Kill() error {
	if err := s.Signal(syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-s.exited
	return nil
}

// Remove deletes the server's directory.
func (s *Server) Remove() error { return os.RemoveAll(s.Dir) }

// Log is what the process has written so far.
func (s *Server) Log() string { return s.log.String() }
