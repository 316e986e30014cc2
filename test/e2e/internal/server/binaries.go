package server

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Module is the import path under which the binaries are.
const Module = "github.com/netcore-go/netcore"

// The packages of the binaries, by their names.
var commands = map[string]string{
	"netcore":      Module + "/cmd/netcore",
	"netcore-tcp":  Module + "/plugins/tcp/cmd/netcore-tcp",
	"netcore-echo": Module + "/examples/echo/cmd/netcore-echo",
	"netcore-chat": Module + "/examples/chat/cmd/netcore-chat",
}

// Binaries are the programs under test, built once for all tests.
type Binaries struct {
	// Dir has netcore and netcore-NAME of all plugins.
	Dir string
	// ChatV2 is the chat handler as version 2.0.0.
	ChatV2 string
}

// Build builds the programs into dir. race instruments them with the race
// detector, which makes them about ten times slower.
func Build(dir string, race bool) (Binaries, error) {
	args := []string{"build"}
	if race {
		args = append(args, "-race")
	}
	for name, pkg := range commands {
		if err := goTool(append(args, "-o", filepath.Join(dir, name), pkg)...); err != nil {
			return Binaries{}, err
		}
	}
	v2 := filepath.Join(dir, "v2", "netcore-chat")
	flags := []string{"-ldflags", "-X main.version=2.0.0", "-o", v2, commands["netcore-chat"]}
	if err := goTool(append(args, flags...)...); err != nil {
		return Binaries{}, err
	}
	return Binaries{Dir: dir, ChatV2: v2}, nil
}

func goTool(args ...string) error {
	out, err := exec.Command("go", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("go %v: %w\n%s", args, err, out)
	}
	return nil
}

// Path returns where the program of that name is.
func (b Binaries) Path(name string) string { return filepath.Join(b.Dir, name) }

// Remove deletes the programs.
func (b Binaries) Remove() error { return os.RemoveAll(b.Dir) }
