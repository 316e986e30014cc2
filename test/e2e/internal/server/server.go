package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/netcore-go/netcore/kernel"
	"github.com/netcore-go/netcore/kernel/admin"
)

// Patience is how long anything may take that is not itself measured: longer is
// a hang.
const Patience = 60 * time.Second

// poll is how often a state is looked at that nobody announces.
const poll = 10 * time.Millisecond

// A Server is a running netcore process.
type Server struct {
	// Dir holds all files of the server: its configuration, its RunDir, and
	// the directory that it has for temporary files.
	Dir    string
	RunDir string
	// Address is that of the first listener.
	Address string
	// Admin speaks to the process.
	Admin *admin.Client

	bins    Binaries
	cmd     *exec.Cmd
	log     *log
	exited  chan struct{}
	err     error // of the process's end; read after exited is closed
	fetched kernel.Status
}

// A Config is what a server is started with.
type Config struct {
	// YAML is the configuration without run_dir and plugin_dirs.
	YAML string
	// Env are more variables for the process, NAME=value.
	Env []string
}

// EchoYAML is one tcp listener with length32 frames and the echo handler.
const EchoYAML = `
listeners:
  - {name: echo, protocol: tcp, address: 127.0.0.1:0, handler: echo}
`

// GRPCYAML is EchoYAML with the links of both plugins over gRPC.
const GRPCYAML = EchoYAML + `
plugins: {tcp: {carrier: grpc}}
handlers: {echo: {carrier: grpc}}
`

// Start starts a server and returns when it serves. Stop or Kill ends it, and
// Remove deletes its files.
func Start(bins Binaries, cfg Config) (*Server, error) {
	s, err := prepare(bins, cfg)
	if err != nil {
		return nil, err
	}
	if err := s.Run(cfg.Env...); err != nil {
		return nil, errors.Join(err, s.Remove())
	}
	return s, nil
}

// prepare makes the directory of a server.
func prepare(bins Binaries, cfg Config) (*Server, error) {
	dir, err := os.MkdirTemp("", "nce2e") // short: sockets are in it
	if err != nil {
		return nil, err
	}
	s := &Server{Dir: dir, RunDir: filepath.Join(dir, "run"), bins: bins}
	s.Admin = admin.NewClient(s.RunDir)
	yaml := fmt.Sprintf("run_dir: %s\nplugin_dirs: [%s]\nlog: {level: info, format: json}\n%s", s.RunDir, bins.Dir, cfg.YAML)
	err = errors.Join(
		os.Mkdir(filepath.Join(dir, "tmp"), 0o700),
		os.WriteFile(s.ConfigPath(), []byte(yaml), 0o600),
	)
	return s, err
}

// ConfigPath is where the configuration is.
func (s *Server) ConfigPath() string { return filepath.Join(s.Dir, "netcore.yaml") }

// Run starts the process again, after it has ended.
func (s *Server) Run(env ...string) error {
	s.log = newLog()
	s.cmd = exec.Command(s.bins.Path("netcore"), "run", "-c", s.ConfigPath())
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	s.cmd.Env = append(os.Environ(), "TMPDIR="+filepath.Join(s.Dir, "tmp"), "GOTRACEBACK=all")
	s.cmd.Env = append(s.cmd.Env, env...)
	// Nothing is left over from a test that is killed.
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	s.exited = make(chan struct{})
	go func() { // ends with the process
		defer close(s.exited)
		s.err = s.cmd.Wait()
	}()
	err := s.Await("it serves", func(st kernel.Status) bool { return st.State == "serving" })
	if err != nil {
		return errors.Join(err, s.Kill())
	}
	s.Address = s.fetched.Listeners[0].Address
	return nil
}

// Await polls the status until ok likes it.
func (s *Server) Await(what string, ok func(kernel.Status) bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	for {
		status, err := s.Admin.Status(ctx)
		if err == nil {
			s.fetched = status
			if ok(status) {
				return nil
			}
		}
		select {
		case <-ticker.C:
		case <-s.exited:
			return fmt.Errorf("netcore ended before %s: %w\n%s", what, s.err, s.Log())
		case <-ctx.Done():
			return fmt.Errorf("netcore: waited %v in vain until %s; status %+v", Patience, what, s.fetched)
		}
	}
}

// Status returns what the process says of itself.
func (s *Server) Status() (kernel.Status, error) {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	return s.Admin.Status(ctx)
}

// Swap replaces a plugin by the executable at path; "" is the configured one. It
// first waits until what an earlier operation has left behind is gone, which
// the kernel would answer with kernel.ErrBusy.
func (s *Server) Swap(plugin, path string) (kernel.SwapReport, error) {
	if err := s.AwaitServing(plugin); err != nil {
		return kernel.SwapReport{}, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	return s.Admin.Swap(ctx, plugin, path)
}

// Rollback swaps a plugin back. It waits as Swap does.
func (s *Server) Rollback(plugin string) (kernel.SwapReport, error) {
	if err := s.AwaitServing(plugin); err != nil {
		return kernel.SwapReport{}, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	return s.Admin.Rollback(ctx, plugin)
}

// PID is the number of the kernel's process.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Plugin returns the process number of the instance that serves for a plugin.
func (s *Server) Plugin(name string) (int, error) {
	status, err := s.Status()
	if err != nil {
		return 0, err
	}
	pid := servingPID(status, name)
	if pid == 0 {
		return 0, fmt.Errorf("no instance of plugin %s serves: %+v", name, status.Plugins)
	}
	return pid, nil
}

func servingPID(status kernel.Status, name string) int {
	for _, p := range status.Plugins {
		for _, in := range p.Instances {
			if p.Name == name && p.State == "serving" && in.Role == "serving" {
				return in.PID
			}
		}
	}
	return 0
}

// Instances returns the process numbers of all instances of a plugin, the oldest
// first.
func (s *Server) Instances(name string) ([]int, error) {
	status, err := s.Status()
	var pids []int
	for _, p := range status.Plugins {
		for _, in := range p.Instances {
			if p.Name == name {
				pids = append(pids, in.PID)
			}
		}
	}
	return pids, err
}

// AwaitServing returns when a plugin serves and no operation on it runs.
func (s *Server) AwaitServing(plugin string) error {
	return s.AwaitSuccessor(plugin, 0)
}

// AwaitSuccessor returns when another process than old serves for a plugin.
func (s *Server) AwaitSuccessor(plugin string, old int) error {
	return s.Await("plugin "+plugin+" has a successor", func(st kernel.Status) bool {
		pid := servingPID(st, plugin)
		return pid != 0 && pid != old
	})
}

// Forgive has the kernel forget the deaths of a plugin, so that a test may kill
// it more often than a healthy one dies.
func (s *Server) Forgive(plugin string) error {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	return s.Admin.Reset(ctx, plugin)
}

// AwaitState returns when the kernel's state is the given one.
func (s *Server) AwaitState(state string) error {
	return s.Await("it is "+state, func(st kernel.Status) bool { return st.State == state })
}
