package kernel

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// instanceDir is the name of the directory of an instance's sockets.
var instanceDir = regexp.MustCompile(`^(.+)\.[0-9]+$`)

// sweep removes the directories that a kernel which was killed has left in the
// run directory, of the plugins that this one has. Whoever runs kernels sees to
// it that no two share a run directory.
func (cfg *Config) sweep() error {
	entries, err := os.ReadDir(cfg.RunDir)
	if err != nil {
		return fmt.Errorf("run_dir: %w", err)
	}
	for _, e := range entries {
		m := instanceDir.FindStringSubmatch(e.Name())
		if m == nil || !e.IsDir() {
			continue
		}
		if _, ours := cfg.Plugins[m[1]]; !ours {
			continue
		}
		if err := os.RemoveAll(filepath.Join(cfg.RunDir, e.Name())); err != nil {
			return fmt.Errorf("run_dir: %w", err)
		}
	}
	return nil
}
