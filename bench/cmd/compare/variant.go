package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// baseline is the server whose figures the ratios refer to.
const baseline = "stdecho"

// A variant is a server to compare.
type variant struct {
	name  string
	title string // as the table shows it
	build bool   // bench/cmd/NAME, which compare builds
	// command returns the server's argument list. It may write files to dir,
	// which is the process's own.
	command func(s setup, address, dir string) ([]string, error)
}

// A setup is where the executables are.
type setup struct {
	built   string // directory of what compare has built
	netcore string
	plugins string
}

var variants = []*variant{
	{name: baseline, title: "stdecho", build: true, command: func(s setup, address, _ string) ([]string, error) {
		return []string{filepath.Join(s.built, "stdecho"), "-address", address}, nil
	}},
	{name: "gnetecho", title: "gnetecho", build: true, command: func(s setup, address, _ string) ([]string, error) {
		return []string{filepath.Join(s.built, "gnetecho"), "-address", address}, nil
	}},
	{name: "inprocecho", title: "netcore (in process)", build: true, command: func(s setup, address, dir string) ([]string, error) {
		return []string{filepath.Join(s.built, "inprocecho"), "-address", address, "-run-dir", filepath.Join(dir, "run")}, nil
	}},
	{name: "netcore", title: "netcore (3 processes)", command: netcoreCommand},
}

const netcoreConfig = `run_dir: %q
plugin_dirs: [%q]
listeners:
  - {name: bench, protocol: tcp, address: %q, handler: echo}
handlers:
  echo: {}
`

func netcoreCommand(s setup, address, dir string) ([]string, error) {
	config := filepath.Join(dir, "netcore.yaml")
	text := fmt.Sprintf(netcoreConfig, filepath.Join(dir, "run"), s.plugins, address)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("write configuration: %w", err)
	}
	return []string{s.netcore, "run", "-c", config}, nil
}

func names(all []*variant) string {
	var list []string
	for _, v := range all {
		list = append(list, v.name)
	}
	return strings.Join(list, ",")
}

// freeAddress returns a loopback address that nobody listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}
