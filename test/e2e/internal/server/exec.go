package server

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// A Failure is how a program ended that should not start.
type Failure struct {
	Code   int
	Stderr string
}

// RunFailing runs netcore with a configuration that cannot work, and returns how
// it ended. A netcore that starts nevertheless is ended, which is an error.
func RunFailing(bins Binaries, dir, yaml string) (Failure, error) {
	path := filepath.Join(dir, "netcore.yaml")
	if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
		return Failure{}, err
	}
	var stderr bytes.Buffer
	cmd := exec.Command(bins.Path("netcore"), "run", "-c", path)
	cmd.Stderr = &stderr
	if err := startPlain(cmd); err != nil {
		return Failure{}, err
	}
	timer := time.AfterFunc(Patience, func() { _ = cmd.Process.Kill() }) // it can only have ended
	defer timer.Stop()
	err := cmd.Wait()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() < 0 {
		return Failure{}, fmt.Errorf("netcore ended with %v: %s", err, stderr.String())
	}
	return Failure{exit.ExitCode(), stderr.String()}, nil
}

// startPlain starts a program to which the modes of files apply, even for root.
func startPlain(cmd *exec.Cmd) error {
	if os.Getuid() != 0 {
		return cmd.Start()
	}
	result := make(chan error, 1) // capacity 1: the goroutine ends in any case
	go func() {
		// Without UnlockOSThread the thread ends with the goroutine, and what
		// it has given up with it.
		runtime.LockOSThread()
		for _, capability := range []uintptr{unix.CAP_DAC_OVERRIDE, unix.CAP_DAC_READ_SEARCH} {
			if err := unix.Prctl(unix.PR_CAPBSET_DROP, capability, 0, 0, 0); err != nil {
				result <- fmt.Errorf("give up capability %d: %w", capability, err)
				return
			}
		}
		result <- cmd.Start()
	}()
	return <-result
}
