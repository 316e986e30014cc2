package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"golang.org/x/sys/unix"
)

// A pluginRunner is what go-plugin runs a process through. Stderr, waiting and
// killing are the [Process]'s own business; go-plugin is told as much as it
// needs to end its goroutines.
type pluginRunner struct {
	p   *Process
	exe *os.File
	env []string
	err error // of Start
}

var _ runner.Runner = (*pluginRunner)(nil)

// configure is go-plugin's RunnerFunc. The directory that go-plugin has made
// is not used: the instance's own serves, and leaves more of a socket's path.
func (r *pluginRunner) configure(_ hclog.Logger, cmd *exec.Cmd, _ string) (runner.Runner, error) {
	r.env = r.p.spec.environ(append(cmd.Env, plugin.EnvUnixSocketDir+"="+r.p.dir))
	return r, nil
}

// Start forks the process.
func (r *pluginRunner) Start(context.Context) error {
	r.err = r.start()
	return r.err
}

func (r *pluginRunner) start() error {
	path, err := r.link()
	if err != nil {
		return err
	}
	std, err := openStdio()
	if err != nil {
		return err
	}
	files := append([]int{std.null, std.outChild, std.errChild}, r.p.spec.Files...)
	files = append(files, int(r.exe.Fd()))
	c, err := r.p.launcher.fork(path, append([]string{r.p.spec.Path}, r.p.spec.Args...), r.env, files)
	std.closeChild()
	if err != nil {
		std.closeOurs()
		if errors.Is(err, unix.ENOENT) {
			err = fmt.Errorf("%w: its interpreter or loader is missing, or /proc is", err)
		}
		return err
	}
	r.p.forked(c, std)
	return nil
}

// link makes the path to execute: a name for the descriptor that was opened and
// checked, which is the last one that the process inherits, so that an
// interpreter can open it too. The name is what ps and top show.
func (r *pluginRunner) link() (string, error) {
	path := filepath.Join(r.p.dir, filepath.Base(r.p.spec.Path))
	if !strings.ContainsRune(path, '/') {
		path = "./" + path
	}
	fd := 3 + len(r.p.spec.Files)
	return path, os.Symlink("/proc/self/fd/"+strconv.Itoa(fd), path)
}

// Stdout is the handshake and nothing else.
func (r *pluginRunner) Stdout() io.ReadCloser { return r.p.hand.out }

// Stderr is empty for go-plugin: its reader would wait for whoever holds it.
func (r *pluginRunner) Stderr() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

// Wait returns when the process is known to be dead. It says nothing of how:
// that is [Process.Err].
func (r *pluginRunner) Wait(context.Context) error {
	<-r.p.done
	return nil
}

// Kill kills the process and does not wait.
func (r *pluginRunner) Kill(context.Context) error {
	r.p.Kill()
	return nil
}

// ID is the process's number.
func (r *pluginRunner) ID() string {
	if pid := r.p.PID(); pid != 0 {
		return strconv.Itoa(pid)
	}
	return ""
}

// Name is the path, for go-plugin's own log.
func (r *pluginRunner) Name() string { return r.p.spec.Path }

// Diagnose has nothing to add: Start's error is made here.
func (r *pluginRunner) Diagnose(context.Context) string { return "" }

// PluginToHost is the identity: the plugin runs where the kernel does.
func (r *pluginRunner) PluginToHost(network, addr string) (string, string, error) {
	return network, addr, nil
}

// HostToPlugin is the identity.
func (r *pluginRunner) HostToPlugin(network, addr string) (string, string, error) {
	return network, addr, nil
}
