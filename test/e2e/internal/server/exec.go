package server

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
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
	if err := cmd.Start(); err != nil {
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
