package config_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/netcore-go/netcore/cmd/netcore/internal/config"
)

// FuzzLoad feeds files and flags of all kinds: there is no panic, every error
// is one of Errors with a source, and what is accepted holds valid JSON.
func FuzzLoad(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text), "log.level=debug")
	}
	f.Add(config.DefaultYAML(), "listeners.tcp.options.a=[&a 1, *a]")
	f.Add("a: &a [*a]\noptions: *a\n", "a.0=1")
	place := newPlace(f)
	f.Fuzz(func(t *testing.T, text, set string) {
		path := writeFile(t, place, text)
		cfg, err := config.Load(config.Source{Path: path, Set: []string{set}, Place: place})
		if err != nil {
			checkErrors(t, err)
			return
		}
		for _, l := range cfg.Kernel.Listeners {
			if l.Options != nil && !json.Valid(l.Options) {
				t.Errorf("options %q are no JSON", l.Options)
			}
		}
		for name, p := range cfg.Kernel.Plugins {
			if p.Config != nil && !json.Valid(p.Config) {
				t.Errorf("config %q of %s is no JSON", p.Config, name)
			}
		}
	})
}

func checkErrors(t *testing.T, err error) {
	t.Helper()
	errs, ok := errors.AsType[config.Errors](err)
	if !ok || len(errs) == 0 {
		t.Fatalf("Load() = %T %v, want Errors", err, err)
	}
	for _, e := range errs {
		if e.Source == "" || e.Message == "" {
			t.Errorf("Load() = %#v, want a source and a message", e)
		}
	}
}
