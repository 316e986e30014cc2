package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// A Place is what of the process's surroundings a configuration depends on.
type Place struct {
	// Executable is the netcore binary; plugins are looked for beside it.
	Executable string
	// WorkDir is the working directory.
	WorkDir string
	// RuntimeDir is XDG_RUNTIME_DIR, or empty.
	RuntimeDir string
	// TempDir is the directory for temporary files.
	TempDir string
	// UID is the user's number.
	UID int
}

// Here returns the place of this process.
func Here() (Place, error) {
	executable, err := os.Executable()
	if err != nil {
		return Place{}, fmt.Errorf("find the netcore executable: %w", err)
	}
	workDir, err := os.Getwd()
	if err != nil {
		return Place{}, fmt.Errorf("find the working directory: %w", err)
	}
	return Place{
		Executable: executable,
		WorkDir:    workDir,
		RuntimeDir: os.Getenv("XDG_RUNTIME_DIR"),
		TempDir:    os.TempDir(),
		UID:        os.Getuid(),
	}, nil
}

// runDir is the default for run_dir. The user's number keeps two users of one
// temporary directory apart.
func (p Place) runDir() string {
	if filepath.IsAbs(p.RuntimeDir) {
		return filepath.Join(p.RuntimeDir, "netcore")
	}
	return filepath.Join(p.TempDir, "netcore-"+strconv.Itoa(p.UID))
}

// pluginDirs is the default for plugin_dirs.
func (p Place) pluginDirs() []string {
	dirs := []string{filepath.Join(filepath.Dir(p.Executable), "plugins")}
	local := filepath.Join(p.WorkDir, "bin", "plugins")
	if info, err := os.Stat(local); err == nil && info.IsDir() && local != dirs[0] {
		dirs = append(dirs, local)
	}
	return dirs
}

// absolute makes path absolute as seen from base.
func absolute(path, base string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(base, path)
}
