package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/netcore-go/netcore/cmd/netcore/internal/config"
	"github.com/netcore-go/netcore/kernel"
)

// newPlace returns a place with the plugins netcore-tcp, netcore-echo and
// netcore-chat beside the executable, and netcore-plain, which is not executable.
func newPlace(t testing.TB) config.Place {
	t.Helper()
	root := t.TempDir()
	plugins := filepath.Join(root, "bin", "plugins")
	work := filepath.Join(root, "work")
	for _, dir := range []string{plugins, work} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, mode := range map[string]os.FileMode{"tcp": 0o700, "echo": 0o700, "chat": 0o700, "plain": 0o600} {
		if err := os.WriteFile(filepath.Join(plugins, "netcore-"+name), nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	return config.Place{Executable: filepath.Join(root, "bin", "netcore"), WorkDir: work, TempDir: "/tmp", UID: 1000}
}

func writeFile(t testing.TB, place config.Place, text string) string {
	t.Helper()
	path := filepath.Join(place.WorkDir, "netcore.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadDefault(t *testing.T) {
	place := newPlace(t)
	got, err := config.Load(config.Source{Place: place})
	if err != nil {
		t.Fatal(err)
	}
	plugins := filepath.Join(filepath.Dir(place.Executable), "plugins")
	want := config.Config{
		RunDir: "/tmp/netcore-1000", LogLevel: "info", LogFormat: "auto", AdminListen: "127.0.0.1:7070",
		Kernel: kernel.Config{
			RunDir:    "/tmp/netcore-1000",
			Listeners: []kernel.Listener{{Name: "tcp", Protocol: "tcp", Address: "127.0.0.1:7001", Handler: "echo"}},
			Plugins: map[string]kernel.Plugin{
				"tcp":  {Path: filepath.Join(plugins, "netcore-tcp")},
				"echo": {Path: filepath.Join(plugins, "netcore-echo")},
			},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("Load() = %+v, want %+v", got, want)
	}
	path := writeFile(t, place, config.DefaultYAML())
	if got, err = config.Load(config.Source{Path: path, Place: place}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Load(default.yaml) = %+v, %v, want %+v", got, err, want)
	}
}

// TestDefaultComments checks that the keys that default.yaml shows in comments
// are keys: each comment that is YAML is uncommented.
func TestDefaultComments(t *testing.T) {
	var lines []string
	for line := range strings.Lines(config.DefaultYAML()) {
		trimmed := strings.TrimLeft(line, " ")
		body, comment := strings.CutPrefix(trimmed, "# ")
		key, _, _ := strings.Cut(strings.TrimSpace(body), ":")
		if comment && !strings.ContainsAny(key, " .,|`$") && strings.Contains(body, ":") {
			line = line[:len(line)-len(trimmed)] + body
		}
		lines = append(lines, line)
	}
	place := newPlace(t)
	text := strings.Join(lines, "")
	_, err := config.Load(config.Source{Path: writeFile(t, place, text), Place: place})
	for _, line := range strings.Split(errorText(err), "\n") {
		for _, allowed := range []string{"there is no file", "no listener has the handler", "not found"} {
			if strings.Contains(line, allowed) {
				line = ""
			}
		}
		if line != "" {
			t.Errorf("default.yaml with its comments: %s\n%s", line, text)
		}
	}
	if !strings.Contains(errorText(err), "handlers.chat") {
		t.Errorf("the comments were not reached: %v", err)
	}
}

func TestLoadFull(t *testing.T) {
	place := newPlace(t)
	path := writeFile(t, place, `
run_dir: run
plugin_dirs: [../bin/plugins]
log: {level: debug, format: json}
admin: {listen: "[::1]:0"}
max_connections: 0x10
drain_timeout: 1m30s
listeners:
  - name: game
    protocol: tcp
    address: :7001
    options: {b: [1, 1.5, ~, 2026-01-02], a: {x: yes, "y": true}}
    handler: chat
    limits: {max_connections: 10, per_source: 2, idle_timeout: 5m, read_timeout: 30s, write_timeout: 0, queue: 64KiB}
    heartbeat: {interval: 30s, timeout: 10s}
    queue_policy: drop_newest
    on_handler_loss: close
plugins:
  tcp: {carrier: auto, gomaxprocs: 2, env: {B: "2", A: "1"}}
handlers:
  chat: {path: ../bin/plugins/netcore-chat, carrier: grpc, config: {motd: "a: <b>"}}
`)
	got, err := config.Load(config.Source{Path: path, Place: place})
	if err != nil {
		t.Fatal(err)
	}
	plugins := filepath.Join(filepath.Dir(place.Executable), "plugins")
	want := config.Config{
		RunDir: filepath.Join(place.WorkDir, "run"), LogLevel: "debug", LogFormat: "json", AdminListen: "[::1]:0",
		Kernel: kernel.Config{
			RunDir: filepath.Join(place.WorkDir, "run"), MaxConnections: 16, DrainTimeout: 90 * time.Second,
			Listeners: []kernel.Listener{{
				Name: "game", Protocol: "tcp", Address: ":7001", Handler: "chat",
				Options: []byte(`{"b":[1,1.5,null,"2026-01-02"],"a":{"x":"yes","y":true}}`),
				Limits: kernel.Limits{MaxConnections: 10, PerSource: 2, IdleTimeout: 5 * time.Minute,
					ReadTimeout: 30 * time.Second, QueueBytes: 64 << 10},
				HeartbeatInterval: 30 * time.Second, HeartbeatTimeout: 10 * time.Second,
				QueuePolicy: kernel.QueueDrop, OnHandlerLoss: kernel.LossClose,
			}},
			Plugins: map[string]kernel.Plugin{
				"tcp": {Path: filepath.Join(plugins, "netcore-tcp"), GOMAXPROCS: 2, Env: []string{"A=1", "B=2"}},
				"chat": {Path: filepath.Join(plugins, "netcore-chat"), Carrier: kernel.CarrierGRPC,
					Config: []byte(`{"motd":"a: \u003cb\u003e"}`)},
			},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("Load() = %+v\nwant %+v", got, want)
	}
}

func TestRunDir(t *testing.T) {
	place := newPlace(t)
	path := writeFile(t, place, "run_dir: /run/nc\nlisteners: 3\nbogus: 1\n")
	tests := []struct {
		name    string
		src     config.Source
		runtime string
		want    string
	}{
		{"default", config.Source{}, "", "/tmp/netcore-1000"},
		{"runtime directory", config.Source{}, "/run/user/7", "/run/user/7/netcore"},
		{"relative runtime directory is ignored", config.Source{}, "user", "/tmp/netcore-1000"},
		{"file with errors elsewhere", config.Source{Path: path}, "", "/run/nc"},
		{"set", config.Source{Path: path, Set: []string{"run_dir=r"}}, "", filepath.Join(place.WorkDir, "r")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.src.Place = place
			tt.src.Place.RuntimeDir = tt.runtime
			if got, err := config.RunDir(tt.src); err != nil || got != tt.want {
				t.Errorf("RunDir() = %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
