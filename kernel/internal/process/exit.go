package process

import (
	"errors"
	"fmt"
	"syscall"
)

// ErrKilled matches the [ExitError] of a process that was killed by [Process.Kill],
// by [Process.Stop] at the end of its ctx, or by [Launcher.Close].
var ErrKilled = errors.New("killed")

// An ExitError says how a process ended that was not stopped as planned.
type ExitError struct {
	PID int
	// Code is the exit status, -1 if a signal ended the process.
	Code int
	// Signal ended the process; 0 if none did.
	Signal syscall.Signal
	// Killed says that the signal was ours.
	Killed bool
	// LastWords are what the process said on stderr: see [Process.LastWords].
	LastWords string
}

func newExitError(pid int, ws syscall.WaitStatus, killed bool, words string) *ExitError {
	e := &ExitError{PID: pid, Code: ws.ExitStatus(), LastWords: words}
	if ws.Signaled() {
		e.Signal = ws.Signal()
		e.Killed = killed && e.Signal == syscall.SIGKILL
	}
	return e
}

func (e *ExitError) Error() string {
	how := fmt.Sprintf("exited with status %d", e.Code)
	switch {
	case e.Killed:
		how = "was killed by the kernel"
	case e.Signal != 0:
		how = fmt.Sprintf("ended by signal %d (%v)", e.Signal, e.Signal)
	}
	return withWords(fmt.Errorf("pid %d %s", e.PID, how), e.LastWords).Error()
}

// Is makes errors.Is(err, ErrKilled) work.
func (e *ExitError) Is(target error) bool { return target == ErrKilled && e.Killed }
