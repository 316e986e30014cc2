package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// errAbsent: no directory has the plugin.
var errAbsent = errors.New("not found")

// findPlugin looks for netcore-NAME in the directories, in their order. A file
// of that name that cannot be run ends the search: it is what was meant.
func findPlugin(name string, dirs []string) (string, error) {
	file := "netcore-" + name
	for _, dir := range dirs {
		path := filepath.Join(dir, file)
		err := checkExecutable(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		return path, err
	}
	return "", fmt.Errorf("plugin %s %w: there is no executable %s in %s", quote(name), errAbsent, file, listDirs(dirs))
}

// available names the plugins that the directories have.
func available(dirs []string) []string {
	var names []string
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "netcore-*"))
		if err != nil {
			continue // a directory whose name is a bad pattern only costs the hint
		}
		for _, file := range files {
			names = append(names, strings.TrimPrefix(filepath.Base(file), "netcore-"))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// checkExecutable says why a file cannot be a plugin.
func checkExecutable(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: %w", path, fs.ErrNotExist)
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is no regular file", path)
	case info.Mode().Perm()&0o111 == 0:
		return fmt.Errorf("%s is not executable: chmod +x it, or name another file", path)
	}
	return nil
}

// listDirs names the directories that were searched, and which are missing.
func listDirs(dirs []string) string {
	if len(dirs) == 0 {
		return "plugin_dirs, which is empty"
	}
	names := make([]string, len(dirs))
	for i, dir := range dirs {
		names[i] = dir
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			names[i] += " (no such directory)"
		}
	}
	return strings.Join(names, ", ")
}
