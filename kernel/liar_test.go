package kernel_test

import (
	"context"
	"fmt"
	"os"
	"time"

	goplugin "github.com/hashicorp/go-plugin"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/fdpass"
	"github.com/netcore-go/netcore/sdk/link"
	"github.com/netcore-go/netcore/sdk/plugin"
	pb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// A liar is a plugin process that speaks the contract badly on purpose: an
// honest runtime, and a lie between it and the kernel.
//
//	kernel ◀── unix socket ──▶ outer ◀── hooks ──▶ inner ◀── memory ──▶ runtime
type liar struct {
	pb.UnimplementedPluginServer
	lie     lie
	runtime *plugin.Runtime
	outer   *link.Link
	inner   *link.Link
	seen    int // frames that a hook on the way in has counted
	readied int // READYs
}

// A lie changes what passes. Hooks return false to drop a frame.
type lie struct {
	start     func()
	handshake func(*goplugin.HandshakeConfig)
	describe  func(*pb.Manifest)
	configure func() (*pb.ConfigureResponse, error)
	health    func()
	in        func(l *liar, f *link.Frame, raw []byte) bool
	out       func(l *liar, f *link.Frame, raw []byte) bool
}

func runLiar(p sdk.Plugin, name string) {
	l, ok := lies[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "no lie is named %q\n", name)
		os.Exit(64)
	}
	if l.start != nil {
		l.start()
	}
	r, err := plugin.New(p, nil)
	if err != nil {
		panic(err)
	}
	shake := pb.Handshake()
	if l.handshake != nil {
		l.handshake(&shake)
	}
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig: shake,
		Plugins:         goplugin.PluginSet{pb.PluginName: &pb.GRPCPlugin{Impl: &liar{lie: l, runtime: r}}},
		GRPCServer:      goplugin.DefaultGRPCServer,
	})
}

func (l *liar) Describe(ctx context.Context, r *pb.DescribeRequest) (*pb.Manifest, error) {
	m, err := l.runtime.Describe(ctx, r)
	if err != nil {
		return nil, err
	}
	m.Carriers = []pb.Carrier{pb.Carrier_CARRIER_UNIX}
	if l.lie.describe != nil {
		l.lie.describe(m)
	}
	return m, nil
}

func (l *liar) Configure(ctx context.Context, r *pb.ConfigureRequest) (*pb.ConfigureResponse, error) {
	if l.lie.configure != nil {
		return l.lie.configure()
	}
	answer, err := l.runtime.Configure(ctx, r)
	if err == nil && answer.Error == nil {
		go l.serve() // ends the process
	}
	return answer, err
}

func (l *liar) Health(ctx context.Context, r *pb.HealthRequest) (*pb.HealthResponse, error) {
	if l.lie.health != nil {
		l.lie.health()
	}
	return l.runtime.Health(ctx, r)
}

func (l *liar) Stop(context.Context, *pb.StopRequest) (*pb.StopResponse, error) {
	time.AfterFunc(20*time.Millisecond, func() { os.Exit(0) })
	return &pb.StopResponse{}, nil
}

func (l *liar) serve() {
	outer, err := link.FromDescriptor(3)
	if err != nil {
		panic(err)
	}
	inner, theirs := link.Pair()
	l.outer, l.inner = outer, inner
	go func() { // ends with the process
		_ = l.runtime.Run(plugin.Port{Link: theirs, Descriptors: fdpass.NewReceiver(4)})
	}()
	go func() { // ends with the process
		_ = inner.Run(func(batch []byte) error { return l.pass(batch, l.lie.out, outer) })
	}()
	_ = outer.Run(func(batch []byte) error { return l.pass(batch, l.lie.in, inner) })
	os.Exit(0)
}

// pass hands frames on, as far as the hook lets them.
func (l *liar) pass(batch []byte, hook func(*liar, *link.Frame, []byte) bool, to *link.Link) error {
	var f link.Frame
	for len(batch) > 0 {
		rest, err := link.Next(batch, &f)
		if err != nil {
			return err
		}
		raw := batch[:len(batch)-len(rest)]
		batch = rest
		if hook == nil || hook(l, &f, raw) {
			to.AppendRaw(raw)
		}
	}
	to.Flush()
	return nil
}

// say sends the kernel a frame at once.
func (l *liar) say(f link.Frame) { l.sayRaw(link.AppendFrame(nil, &f)) }

func (l *liar) sayRaw(b []byte) {
	l.outer.AppendRaw(b)
	l.outer.Flush()
}
