package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"

	"go.yaml.in/yaml/v3"

	"github.com/netcore-go/netcore/kernel"
)

// A Source is where a configuration comes from.
type Source struct {
	// Path is the YAML file. If empty, it is default.yaml.
	Path string
	// Set are the --set flags, key.path=value.
	Set []string
	// Place is where the process stands. Here returns the real one.
	Place Place
}

// A Config is a configuration that was checked.
type Config struct {
	// RunDir is absolute.
	RunDir string
	// LogLevel is "debug", "info", "warn" or "error".
	LogLevel string
	// LogFormat is "auto", "json" or "console".
	LogFormat string
	// AdminListen is the loopback address of the read-only admin listener, or empty.
	AdminListen string
	// Kernel has all plugins with absolute paths of executables that are there.
	Kernel kernel.Config
}

// maxFile bounds a configuration file.
const maxFile = 4 << 20

// Load reads, checks and converts a configuration. What is wrong with it is
// returned as Errors.
func Load(src Source) (Config, error) {
	l, err := open(src)
	if err != nil {
		return Config{}, err
	}
	l.check()
	cfg := l.convert()
	if len(l.errs) > 0 {
		return Config{}, l.errs.sorted()
	}
	return cfg, nil
}

// RunDir returns the directory that a configuration names, or the default. It
// does not mind errors elsewhere in the file, so that a running netcore can be
// reached while its file is being edited.
func RunDir(src Source) (string, error) {
	l, err := open(src)
	if err != nil {
		return "", err
	}
	for _, e := range l.errs {
		if e.Key == "run_dir" {
			return "", Errors{e}
		}
	}
	return l.runDir(), nil
}

// A loader is one Load: what was decoded, and what is wrong with it so far.
type loader struct {
	decoder
	file
	place Place
	base  string // the directory at which relative paths of the file start
}

// open reads the source into the schema. Its error means that there is no tree
// to look at; all other errors are in the loader.
func open(src Source) (*loader, error) {
	l := &loader{place: src.Place, base: src.Place.WorkDir}
	l.source, l.at, l.flags = DefaultName, map[string]*yaml.Node{}, map[*yaml.Node]string{}
	data := []byte(DefaultYAML())
	if src.Path != "" {
		l.source, l.base = src.Path, filepath.Dir(absolute(src.Path, src.Place.WorkDir))
		var err error
		if data, err = readFile(absolute(src.Path, src.Place.WorkDir)); err != nil {
			return nil, Errors{{Source: src.Path, Message: err.Error()}}
		}
	}
	root, errs := parse(l.source, data)
	if errs != nil {
		return nil, errs
	}
	l.overrides(root, src.Set)
	l.value(root, reflect.ValueOf(&l.file).Elem(), "", "", 0)
	return l, nil
}

func (l *loader) overrides(root *yaml.Node, flags []string) {
	for _, flag := range flags {
		source := "--set " + shorten(flag)
		nodes, err := override(root, flag)
		if err != nil {
			l.errs = append(l.errs, Error{Source: source, Message: err.Error()})
		}
		for _, n := range nodes {
			l.flags[n] = source
		}
	}
}

// report records an error at a key path, or at the nearest section above it
// that is there.
func (l *loader) report(path, format string, args ...any) {
	for at := path; ; at = parent(at) {
		if n, ok := l.at[at]; ok || at == "" {
			if n == nil {
				n = &yaml.Node{Line: 1, Column: 1}
			}
			l.fail(n, path, fmt.Sprintf(format, args...))
			return
		}
	}
}

// parent cuts the last key or index off a path.
func parent(path string) string {
	for i := len(path) - 1; i > 0; i-- {
		if path[i] == '.' || path[i] == '[' {
			return path[:i]
		}
	}
	return ""
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, cause(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, cause(err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("is larger than %d bytes", maxFile)
	}
	return data, nil
}

// cause is err without operation and path, which the error's source names.
func cause(err error) error {
	if p, ok := errors.AsType[*os.PathError](err); ok {
		return p.Err
	}
	return err
}
