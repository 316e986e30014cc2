package plugin_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/link"
	"github.com/netcore-go/netcore/sdk/plugin"
	pb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

const patience = 10 * time.Second

func TestNewRefuses(t *testing.T) {
	tests := []struct {
		name   string
		plugin sdk.Plugin
		want   string
	}{
		{"no name", sdk.Plugin{Handler: &echo{}}, "has no name"},
		{"no part", sdk.Plugin{Name: "x"}, "no part is set"},
		{"two parts", sdk.Plugin{Name: "x", Handler: &echo{}, Stream: lines{}}, "several parts are set"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := plugin.New(tt.plugin, nil); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("New() = %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func newRuntime(t *testing.T, p sdk.Plugin) *plugin.Runtime {
	t.Helper()
	r, err := plugin.New(p, nil)
	if err != nil {
		t.Fatalf("New() = %v", err)
	}
	return r
}

func TestDescribe(t *testing.T) {
	r := newRuntime(t, sdk.Plugin{Name: "lines", Version: "2", Stream: lines{}})
	m, err := r.Describe(context.Background(), &pb.DescribeRequest{FrameVersions: []uint32{2, 1}})
	if err != nil {
		t.Fatalf("Describe() = %v", err)
	}
	want := &pb.Manifest{Name: "lines", Version: "2", Kinds: []pb.Kind{pb.Kind_KIND_STREAM_PROTOCOL},
		Carriers: []pb.Carrier{pb.Carrier_CARRIER_MEMORY}, FrameVersion: 1, Network: "tcp", Schema: "{}"}
	if !proto.Equal(m, want) {
		t.Errorf("Describe() = %v, want %v", m, want)
	}
	_, err = r.Describe(context.Background(), &pb.DescribeRequest{FrameVersions: []uint32{3, 2}})
	if err == nil || !strings.Contains(err.Error(), "[3 2]") || !strings.Contains(err.Error(), "[1]") {
		t.Errorf("Describe() = %v, want an error that names both lists", err)
	}
}

func TestConfigure(t *testing.T) {
	listener := func(options string) []*pb.ListenerConfig {
		return []*pb.ListenerConfig{{Index: 0, Name: "good"}, {Index: 1, Name: "game", Options: []byte(options)}}
	}
	tests := []struct {
		name    string
		plugin  sdk.Plugin
		request *pb.ConfigureRequest
		want    *pb.FieldError
		err     string
	}{
		{"handler", sdk.Plugin{Handler: &echo{}}, &pb.ConfigureRequest{}, nil, ""},
		{"option", sdk.Plugin{Handler: &echo{}}, &pb.ConfigureRequest{Config: []byte(`{"fail":"option"}`)},
			&pb.FieldError{Field: "limits.max", Message: "is negative"}, ""},
		{"config", sdk.Plugin{Handler: &echo{}}, &pb.ConfigureRequest{Config: []byte(`{"fail":"config"}`)},
			&pb.FieldError{Message: "no such thing"}, ""},
		{"start", sdk.Plugin{Handler: &echo{}}, &pb.ConfigureRequest{Config: []byte(`{"fail":"start"}`)}, nil, "start: no database"},
		{"panic", sdk.Plugin{Handler: &echo{}}, &pb.ConfigureRequest{Config: []byte(`{"fail":"panic"}`)}, nil, "panicked in configure: in configure"},
		{"stream", sdk.Plugin{Stream: lines{}}, &pb.ConfigureRequest{Listeners: listener("{}")}, nil, ""},
		{"listener", sdk.Plugin{Stream: lines{}}, &pb.ConfigureRequest{Listeners: listener(`{"bad":1}`)},
			&pb.FieldError{Listener: "game", Field: "bad", Message: "is unknown"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.plugin.Name = "x"
			r := newRuntime(t, tt.plugin)
			resp, err := r.Configure(context.Background(), tt.request)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("Configure() = %v, want an error with %q", err, tt.err)
				}
			} else if err != nil || !proto.Equal(resp.GetError(), tt.want) {
				t.Errorf("Configure() = %v, %v, want %v", resp, err, tt.want)
			}
			if _, err := r.Configure(context.Background(), tt.request); err == nil {
				t.Error("second Configure() = nil, want an error")
			}
			if _, err := r.Stop(context.Background(), &pb.StopRequest{}); err != nil {
				t.Errorf("Stop() = %v", err)
			}
		})
	}
}

// peer is the kernel's end of a link.
type peer struct {
	link   *link.Link
	frames chan link.Frame
}

// start receives on l until the returned function is called.
func start(t *testing.T, l *link.Link) (*peer, func()) {
	p := &peer{link: l, frames: make(chan link.Frame, 100)} // roomy: the link's reader must not wait
	var running sync.WaitGroup
	running.Go(func() {
		_ = l.Run(func(batch []byte) error {
			var f link.Frame
			for len(batch) > 0 {
				var err error
				if batch, err = link.Next(batch, &f); err != nil {
					return err
				}
				f.Payload = append([]byte(nil), f.Payload...)
				p.frames <- f
			}
			return nil
		})
	})
	return p, sync.OnceFunc(func() { l.Close(); running.Wait() })
}

// echo binds a connection and checks that a message comes back.
func (p *peer) echo(t *testing.T) {
	t.Helper()
	binding, err := proto.Marshal(&pb.Binding{WindowMessages: 10, WindowBytes: 1000})
	if err != nil {
		t.Fatal(err)
	}
	p.link.Append(&link.Frame{Kind: link.Bind, Conn: 1, Epoch: 1, Payload: binding})
	p.link.Append(&link.Frame{Kind: link.Data, Conn: 1, Epoch: 1, Payload: []byte("hello")})
	p.link.FlushLater()
	for _, want := range []link.Kind{link.Data, link.Ack} {
		select {
		case f := <-p.frames:
			if f.Kind != want || want == link.Data && string(f.Payload) != "hello" {
				t.Errorf("plugin sent %+v, want %v", f, want)
			}
		case <-time.After(patience):
			t.Fatalf("no %v came back", want)
		}
	}
}

func TestRunInThisProcess(t *testing.T) {
	h := &echo{}
	r := newRuntime(t, sdk.Plugin{Name: "echo", Handler: h})
	if _, err := r.Configure(context.Background(), &pb.ConfigureRequest{}); err != nil {
		t.Fatalf("Configure() = %v", err)
	}
	near, far := link.Pair()
	p, stop := start(t, near)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- r.Run(plugin.Port{Link: far}) }()
	p.echo(t)
	health, err := r.Health(context.Background(), &pb.HealthRequest{})
	if err != nil || health.Connections != 1 || health.Frames != 2 {
		t.Errorf("Health() = %v, %v, want 1 connection and 2 frames", health, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
	if h.ctx.Err() == nil {
		t.Error("the context of Start goes on")
	}
}

func TestRunWithoutConfigure(t *testing.T) {
	_, far := link.Pair()
	if err := newRuntime(t, sdk.Plugin{Name: "echo", Handler: &echo{}}).Run(plugin.Port{Link: far}); err == nil {
		t.Error("Run() = nil, want an error")
	}
}

func TestViolationEndsRun(t *testing.T) {
	r := newRuntime(t, sdk.Plugin{Name: "echo", Handler: &echo{}})
	if _, err := r.Configure(context.Background(), &pb.ConfigureRequest{}); err != nil {
		t.Fatalf("Configure() = %v", err)
	}
	near, far := link.Pair()
	_, stop := start(t, near)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- r.Run(plugin.Port{Link: far}) }()
	near.Append(&link.Frame{Kind: link.Open})
	near.FlushLater()
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "OPEN is not for a handler") {
		t.Errorf("Run() = %v, want a violation", err)
	}
}
