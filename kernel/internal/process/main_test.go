package process_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-plugin"
	"go.uber.org/goleak"

	"github.com/netcore-go/netcore/kernel/internal/process"
	pluginpb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// The test binary is its own plugin: modeVar says as what it runs.
const modeVar = "PROCESS_TEST_MODE"

func TestMain(m *testing.M) {
	mode := os.Getenv(modeVar)
	if mode == "" {
		goleak.VerifyTestMain(m)
		return
	}
	runMode(mode)
}

func runMode(mode string) {
	handshake := pluginpb.Handshake()
	server := &fake{mode: mode}
	switch mode {
	case "exit":
		fmt.Fprintln(os.Stderr, "no licence found")
		os.Exit(3)
	case "silent":
		fmt.Fprintln(os.Stderr, "thinking")
		forever()
	case "closed":
		os.Stdout.Close()
		forever()
	case "garbage":
		fmt.Println("hello, world")
	case "long":
		fmt.Println(strings.Repeat("x", 1<<20))
	case "tcp":
		fmt.Println("1|1|tcp|127.0.0.1:1|grpc")
		forever()
	case "middle":
		middle()
	case "version":
		handshake.ProtocolVersion = 7
	case "cookie":
		handshake.MagicCookieValue = "another"
	case "file":
		f := os.NewFile(3, "passed")
		fmt.Fprintln(f, "hello from the child")
		f.Close()
	case "grandchild":
		server.grandchild = startGrandchild(false)
	case "session":
		server.grandchild = startGrandchild(true)
	}
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: handshake,
		Plugins:         plugin.PluginSet{pluginpb.PluginName: &pluginpb.GRPCPlugin{Impl: server}},
		GRPCServer:      plugin.DefaultGRPCServer,
	})
}

func forever() {
	for {
		time.Sleep(time.Hour)
	}
}

// startGrandchild leaves a process that holds stderr; with session it has left
// the process group as well.
func startGrandchild(session bool) int {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{modeVar + "=silent"}
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: session}
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	return cmd.Process.Pid
}

// middle is a kernel that starts a plugin, says its number and waits to be killed.
func middle() {
	var l process.Launcher
	p, err := l.Start(context.Background(), process.Spec{
		Name: "inner", Path: "/proc/self/exe", RunDir: os.Getenv("RUN_DIR"), Env: []string{modeVar + "=normal"},
	})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(p.PID())
	forever()
}

// report is what the fake plugin tells of itself, in the manifest's schema.
type report struct {
	Args, Env  []string
	Comm       string
	Stdin      string
	Group      int
	Grandchild int
}

// fake is a plugin that does what its mode says.
type fake struct {
	pluginpb.UnimplementedPluginServer
	mode       string
	grandchild int
}

func (f *fake) Describe(context.Context, *pluginpb.DescribeRequest) (*pluginpb.Manifest, error) {
	r := report{Args: os.Args, Env: os.Environ(), Group: syscall.Getpgrp(), Grandchild: f.grandchild}
	comm, _ := os.ReadFile("/proc/self/comm")
	r.Comm = strings.TrimSpace(string(comm))
	r.Stdin, _ = os.Readlink("/proc/self/fd/0")
	schema, err := json.Marshal(r)
	return &pluginpb.Manifest{Name: f.mode, Schema: string(schema)}, err
}

// Configure misbehaves.
func (f *fake) Configure(context.Context, *pluginpb.ConfigureRequest) (*pluginpb.ConfigureResponse, error) {
	switch f.mode {
	case "panic":
		go func() { panic("the dog ate my heap") }()
		forever()
	case "flood":
		line := strings.Repeat("y", 99) + "\n"
		for range 100_000 {
			_, _ = syscall.Write(2, []byte(line))
		}
	case "print":
		fmt.Println("printed to stdout")
		fmt.Fprintln(os.Stderr, `{"time":"2026-01-01T00:00:00Z","level":"WARN","msg":"structured","n":7}`)
	}
	return &pluginpb.ConfigureResponse{}, nil
}

func (f *fake) Health(context.Context, *pluginpb.HealthRequest) (*pluginpb.HealthResponse, error) {
	return &pluginpb.HealthResponse{}, nil
}

// Stop answers, and exits when the answer has had time to leave.
func (f *fake) Stop(context.Context, *pluginpb.StopRequest) (*pluginpb.StopResponse, error) {
	switch f.mode {
	case "deaf":
	case "badstop":
		time.AfterFunc(10*time.Millisecond, func() { os.Exit(4) })
	default:
		time.AfterFunc(10*time.Millisecond, func() { os.Exit(0) })
	}
	return &pluginpb.StopResponse{}, nil
}
