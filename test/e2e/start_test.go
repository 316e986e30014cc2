package e2e_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netcore-go/netcore/test/e2e/internal/server"
)

// TestBadStarts has all that may be wrong with a start: exit status 1, and a
// message that says what is wrong and where.
func TestBadStarts(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	const listener = "listeners: [{name: echo, protocol: tcp, address: '127.0.0.1:0', handler: echo}]\n"
	tests := []struct {
		name string
		yaml string // with the directory of the test and that of the plugins in front
		want []string
	}{
		{"port in use", strings.Replace(listener, "127.0.0.1:0", taken.Addr().String(), 1),
			[]string{"listener echo", taken.Addr().String(), "address already in use"}},
		{"run_dir below a file", "run_dir: DIR/netcore.yaml/run\n" + listener, []string{"run_dir", "netcore.yaml", "not a directory"}},
		{"run_dir that cannot be written", "run_dir: DIR/closed\n" + listener, []string{"run_dir", "DIR/closed", "permission denied"}},
		{"run_dir that others may write", "run_dir: DIR/open\n" + listener, []string{"run_dir", "DIR/open", "others"}},
		{"missing plugin", strings.Replace(listener, "handler: echo", "handler: ecko", 1),
			[]string{"netcore.yaml:", "ecko", "no executable netcore-ecko"}},
		{"plugin that is not executable", listener + "handlers: {echo: {path: DIR/plain}}\n", []string{"DIR/plain", "not executable"}},
		{"plugin that is no plugin", listener + "handlers: {echo: {path: /bin/true}}\n", []string{"plugin echo", "/bin/true", "exited"}},
		{"handler in the place of a protocol", strings.Replace(listener, "protocol: tcp", "protocol: chat", 1), []string{"chat", "no protocol"}},
		{"unknown key", listener + "max_conections: 7\n", []string{"netcore.yaml:", "max_conections", "max_connections"}},
		{"unknown option of a plugin", strings.Replace(listener, "handler: echo", "handler: echo, options: {framming: raw}", 1),
			[]string{"listener echo", "framming", "framing"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir, err := os.MkdirTemp("", "nce2e")
			if err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(dir)
			prepareBadStart(t, dir)
			yaml := test.yaml
			if !strings.Contains(yaml, "run_dir") {
				yaml = fmt.Sprintf("run_dir: %s/run\n", dir) + yaml
			}
			yaml = fmt.Sprintf("plugin_dirs: [%s]\n", bins.Dir) + strings.ReplaceAll(yaml, "DIR", dir)
			got, err := server.RunFailing(bins, dir, yaml)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("exit status %d: %s", got.Code, strings.TrimSpace(got.Stderr))
			if got.Code != 1 {
				t.Errorf("exit status %d, want 1", got.Code)
			}
			for _, want := range test.want {
				if want = strings.ReplaceAll(want, "DIR", dir); !strings.Contains(got.Stderr, want) {
					t.Errorf("the message lacks %q", want)
				}
			}
			if pids, err := bins.Processes(); err != nil || len(pids) > 0 {
				t.Errorf("processes %v are left, %v", pids, err)
			}
		})
	}
}

// prepareBadStart makes what the configurations name.
func prepareBadStart(t *testing.T, dir string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "plain"), []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "closed"), 0o500); err != nil {
		t.Fatal(err)
	}
	open := filepath.Join(dir, "open")
	if err := os.Mkdir(open, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o777); err != nil { // Mkdir heeds the umask
		t.Fatal(err)
	}
}
