package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/netcore-go/netcore/cmd/netcore/internal/config"
	"github.com/netcore-go/netcore/kernel"
)

var update = flag.Bool("update", false, "write the golden files of testdata anew")

// client runs a verb against w's netcore and returns exit status and output.
func (w *world) client(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	c := newWorld(t)
	c.place = w.place
	code = c.run(t.Context(), args)
	return code, c.stdout.String(), c.stderr.String()
}

// TestGolden compares what the verbs print with testdata/NAME.golden.
func TestGolden(t *testing.T) {
	w := newWorld(t)
	code := w.start(t)
	tests := []struct {
		name string
		args []string
	}{
		{"status", []string{"status"}},
		{"status_json", []string{"status", "-o", "json"}},
		{"plugin_list", []string{"plugin", "list"}},
		{"conn_list", []string{"conn", "list"}},
		{"conn_list_json", []string{"conn", "list", "-o", "json", "--limit", "1", "--listener", "game"}},
		{"swap", []string{"swap", "tcp"}},
		{"swap_json", []string{"swap", "tcp", "-o", "json"}},
		{"rollback", []string{"rollback", "tcp"}},
		{"help", []string{"--help"}},
		{"complete_swap", []string{"__complete", "swap", ""}},
		{"complete_reset", []string{"__complete", "plugin", "reset", "--run-dir", filepath.Join(w.place.TempDir, "netcore-1"), ""}},
		{"complete_close", []string{"__complete", "conn", "close", ""}},
		{"complete_listener", []string{"__complete", "conn", "list", "--listener", ""}},
		{"complete_second", []string{"__complete", "swap", "tcp", ""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, got, stderr := w.client(t, tt.args...)
			if status != exitClean {
				t.Fatalf("exit status %d: %s", status, stderr)
			}
			golden := filepath.Join("testdata", tt.name+".golden")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("netcore %s prints\n%s\nwant\n%s", strings.Join(tt.args, " "), got, want)
			}
		})
	}
	w.signals <- syscall.SIGTERM
	<-code
}

func TestOperations(t *testing.T) {
	w := newWorld(t)
	code := w.start(t)
	tests := []struct {
		args []string
		told string // what the kernel is told
		want string // what is printed
	}{
		{[]string{"swap", "tcp", "--path", "new/tcp"}, "swap tcp " + w.place.WorkDir + "/new/tcp", ""},
		{[]string{"rollback", "tcp"}, "rollback tcp", ""},
		{[]string{"plugin", "reset", "tcp"}, "reset tcp", "reset\n"},
		{[]string{"conn", "close", "7"}, "close 7", "closed\n"},
		{[]string{"reload"}, "reload 127.0.0.1:7001", "reloaded\n"},
		{[]string{"drain", "-o", "json"}, "drain", "{\n  \"result\": \"drained\"\n}\n"},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.args[:1], " "), func(t *testing.T) {
			w.kernel.opErr = nil
			status, stdout, stderr := w.client(t, tt.args...)
			if got := <-w.kernel.calls; got != tt.told || status != exitClean || stderr != "" {
				t.Errorf("exit status %d, the kernel was told %q, want %q; stderr %q", status, got, tt.told, stderr)
			}
			if tt.want != "" && stdout != tt.want {
				t.Errorf("stdout is %q, want %q", stdout, tt.want)
			}
			w.kernel.opErr = fmt.Errorf("%w: tcp is swapping", kernel.ErrBusy)
			status, stdout, stderr = w.client(t, tt.args...)
			<-w.kernel.calls
			if status != exitFailed || stdout != "" || stderr != "netcore: busy: tcp is swapping\n" {
				t.Errorf("exit status %d, stdout %q, stderr %q; want the reason on stderr", status, stdout, stderr)
			}
		})
	}
	w.signals <- syscall.SIGTERM
	<-code
}

func TestStop(t *testing.T) {
	tests := []struct {
		name string
		args []string
		busy bool
		want int // the server's exit status
	}{
		{"drains", []string{"stop"}, false, exitClean},
		{"forces", []string{"stop", "--force"}, true, exitForced},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			if tt.busy {
				w.kernel.idle = nil
			}
			code := w.start(t)
			if status, stdout, stderr := w.client(t, tt.args...); status != exitClean || stdout != "stopped\n" {
				t.Errorf("exit status %d, %q, %q", status, stdout, stderr)
			}
			if got := <-code; got != tt.want {
				t.Errorf("the server's exit status is %d, want %d", got, tt.want)
			}
		})
	}
}

func TestClientErrors(t *testing.T) {
	w := newWorld(t)
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"not running", []string{"status"}, "netcore: no netcore runs with this run_dir: nobody answers on " +
			w.place.TempDir + "/netcore-1/admin.sock\n"},
		{"run-dir", []string{"status", "--run-dir", "/nowhere"},
			"netcore: no netcore runs with this run_dir: nobody answers on /nowhere/admin.sock\n"},
		{"output", []string{"drain", "-o", "xml"}, "netcore: output is \"xml\", want table or json\n"},
		{"limit", []string{"conn", "list", "--limit", "0"}, "netcore: limit is 0, want 1 to 10000\n"},
		{"no plugin", []string{"swap"}, "netcore: accepts 1 arg(s), received 0\n"},
		{"no such verb", []string{"swop"}, "netcore: unknown command \"swop\" for \"netcore\"\n\nDid you mean this?\n\tstop\n\tswap\n"},
		{"half a verb", []string{"conn"}, "netcore: netcore conn needs one of its commands\n"},
		{"no such file", []string{"stop", "-c", "none.yaml"}, "none.yaml: no such file or directory\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, _, stderr := w.client(t, tt.args...)
			if status != exitFailed || stderr != tt.want {
				t.Errorf("exit status %d, stderr %q; want %d, %q", status, stderr, exitFailed, tt.want)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	w := newWorld(t)
	path := filepath.Join(w.place.WorkDir, "c.yaml")
	if err := os.WriteFile(path, []byte("listeners: []\nrun_dri: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := w.run(t.Context(), []string{"validate", "-c", path}); got != exitFailed {
		t.Errorf("exit status %d, want %d", got, exitFailed)
	}
	want := path + ":1:12: listeners: at least one listener is needed\n" + path + ":2:1: run_dri: unknown key; did you mean \"run_dir\"?\n"
	if got := w.stderr.String(); got != want {
		t.Errorf("stderr is %q, want %q", got, want)
	}

	w = newWorld(t)
	if got := w.run(t.Context(), []string{"validate"}); got != exitClean {
		t.Errorf("exit status %d, want %d: %s", got, exitClean, w.stderr.String())
	}
	if got, want := <-w.kernel.calls, "check tcp"; got != want {
		t.Errorf("the kernel was told %q, want %q", got, want)
	}
	if got, want := w.stdout.String(), "(default configuration): valid\n"; got != want {
		t.Errorf("stdout is %q, want %q", got, want)
	}

	w = newWorld(t)
	w.kernel.opErr = kernel.ErrInvalid
	if got := w.run(t.Context(), []string{"validate", "-o", "json"}); got != exitFailed {
		t.Errorf("exit status %d, want %d", got, exitFailed)
	}
	var v validity
	if err := json.Unmarshal([]byte(w.stdout.String()), &v); err != nil || v.Valid || len(v.Errors) != 1 || w.stderr.String() != "" {
		t.Errorf("stdout is %s, stderr %q, %v", w.stdout.String(), w.stderr.String(), err)
	}
}

func TestConfigDefault(t *testing.T) {
	w := newWorld(t)
	if got := w.run(t.Context(), []string{"config", "default"}); got != exitClean || w.stdout.String() != config.DefaultYAML() {
		t.Errorf("exit status %d, stdout %q", got, w.stdout.String())
	}
}

func TestVersion(t *testing.T) {
	w := newWorld(t)
	if got := w.run(t.Context(), []string{"version"}); got != exitClean || !strings.HasPrefix(w.stdout.String(), "netcore ") {
		t.Errorf("exit status %d, stdout %q", got, w.stdout.String())
	}
}

func TestCompletionScripts(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		w := newWorld(t)
		if got := w.run(t.Context(), []string{"completion", shell}); got != exitClean || w.stdout.String() == "" {
			t.Errorf("completion %s: exit status %d, %d bytes", shell, got, len(w.stdout.String()))
		}
	}
}
