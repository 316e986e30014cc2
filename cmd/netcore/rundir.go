package main

import (
	"fmt"
	"os"
	"syscall"
)

// prepareRunDir makes the directory for sockets, if it is not there, and
// refuses one that another user could have made, or could change: whoever owns
// the directory can put a socket of his own in place of ours.
func prepareRunDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("run_dir: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("run_dir: %w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.IsDir():
		return fmt.Errorf("run_dir %s is no directory", dir)
	case !ok || int(stat.Uid) != os.Getuid():
		return fmt.Errorf("run_dir %s belongs to another user: choose another one with --set run_dir=DIR", dir)
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("run_dir %s can be written by others: chmod go-w it, or choose another one with --set run_dir=DIR", dir)
	}
	return nil
}
