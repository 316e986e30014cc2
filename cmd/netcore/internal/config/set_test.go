package config_test

import (
	"path/filepath"
	"testing"

	"github.com/netcore-go/netcore/cmd/netcore/internal/config"
)

func TestSet(t *testing.T) {
	place := newPlace(t)
	tests := []struct {
		name string
		set  []string
		get  func(config.Config) any
		want any
	}{
		{"scalar", []string{"log.level=debug"}, func(c config.Config) any { return c.LogLevel }, "debug"},
		{"last wins", []string{"log.level=debug", "log.level=warn"}, func(c config.Config) any { return c.LogLevel }, "warn"},
		{"by index", []string{"listeners.0.address=:80"},
			func(c config.Config) any { return c.Kernel.Listeners[0].Address }, ":80"},
		{"by name", []string{"listeners.tcp.limits.per_source=3"},
			func(c config.Config) any { return c.Kernel.Listeners[0].Limits.PerSource }, 3},
		{"value with equals sign", []string{"handlers.echo.env.A='x=y'"},
			func(c config.Config) any { return c.Kernel.Plugins["echo"].Env[0] }, "A=x=y"},
		{"appended entry", []string{"listeners.1={name: b, protocol: tcp, address: ':81', handler: chat}"},
			func(c config.Config) any { return c.Kernel.Listeners[1].Name }, "b"},
		{"options", []string{"listeners.tcp.options.framing=line"},
			func(c config.Config) any { return string(c.Kernel.Listeners[0].Options) }, `{"framing":"line"}`},
		{"emptied", []string{"admin.listen="}, func(c config.Config) any { return c.AdminListen }, ""},
		{"path from the working directory", []string{"plugins.tcp.path=../bin/plugins/netcore-chat"},
			func(c config.Config) any { return filepath.Base(c.Kernel.Plugins["tcp"].Path) }, "netcore-chat"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg, err := config.Load(config.Source{Set: tt.set, Place: place})
			if err != nil {
				t.Fatal(err)
			}
			if got := tt.get(cfg); got != tt.want {
				t.Errorf("with %q: %v, want %v", tt.set, got, tt.want)
			}
		})
	}
}

func TestSetErrors(t *testing.T) {
	place := newPlace(t)
	tests := []struct{ name, set, want string }{
		{"no value", "log.level", "--set log.level: write it as key.path=value"},
		{"empty word", "log..level=x", "--set log..level=x: the path has an empty word"},
		{"below a scalar", "admin.listen.x=1", "--set admin.listen.x=1: admin.listen.x: is below a value that has no keys"},
		{"no such entry", "listeners.web.name=1", `--set listeners.web.name=1: listeners.web: no entry of the list has the name "web"`},
		{"no such index", "listeners.7.name=x", "--set listeners.7.name=x: listeners.7: the list has 1 entries, counted from 0"},
		{"not YAML", "log={", "--set log={: the value is not YAML: did not find expected node content"},
		{"unknown key", "lgo.level=info", `--set lgo.level=info: lgo: unknown key; did you mean "log"?`},
		{"wrong type", "max_connections=many", `--set max_connections=many: max_connections: must be a whole number, is the text "many"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := config.Load(config.Source{Set: []string{tt.set}, Place: place})
			if got := errorText(err); got != tt.want {
				t.Errorf("Load() = %s, want %s", got, tt.want)
			}
		})
	}
}
