package grpclink_test

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/netcore-go/netcore/sdk/link"
	"github.com/netcore-go/netcore/sdk/link/grpclink"
	pb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what a test waits for.
const patience = 15 * time.Second

// A plugin serves the Link call, and hands its end of each link to the test.
type plugin struct {
	pb.UnimplementedPluginServer
	links chan *link.Link // capacity 1: one link a test
	ended chan struct{}   // the call may return
	raw   func(pb.Plugin_LinkServer) error
}

func (p *plugin) Link(s pb.Plugin_LinkServer) error {
	if p.raw != nil {
		return p.raw(s)
	}
	p.links <- grpclink.Serve(s)
	<-p.ended
	return nil
}

// serve serves p on a unix socket and returns a client.
func serve(t *testing.T, p *plugin) (*grpc.Server, pb.PluginClient) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	pb.RegisterPluginServer(s, p)
	var serving sync.WaitGroup
	serving.Go(func() { _ = s.Serve(l) }) // it ends with Stop
	conn, err := grpc.NewClient("unix:"+path, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		s.Stop()
		serving.Wait()
	})
	return s, pb.NewPluginClient(conn)
}

// pair returns the kernel's and the plugin's end of a link.
func pair(t *testing.T) (near, far *link.Link, s *grpc.Server) {
	t.Helper()
	p := &plugin{links: make(chan *link.Link, 1), ended: make(chan struct{})}
	s, client := serve(t, p)
	near, err := grpclink.Dial(context.Background(), client)
	if err != nil {
		t.Fatal(err)
	}
	far = <-p.links
	t.Cleanup(func() { near.Close(); close(p.ended) }) // before the server stops
	return near, far, s
}

// run runs l in the background; its result comes on the channel.
func run(l *link.Link, receive func(*link.Frame)) <-chan error {
	ended := make(chan error, 1) // one result
	go func() {                  // ends with the link
		ended <- l.Run(func(batch []byte) error {
			var f link.Frame
			var err error
			for len(batch) > 0 {
				if batch, err = link.Next(batch, &f); err != nil {
					return err
				}
				receive(&f)
			}
			return nil
		})
	}()
	return ended
}

func ignore(*link.Frame) {}

func result(t *testing.T, ended <-chan error) error {
	t.Helper()
	select {
	case err := <-ended:
		return err
	case <-time.After(patience):
		t.Fatal("Run does not return")
	}
	return nil
}

// TestOrder: frames of all sizes come in order, both ways at once.
func TestOrder(t *testing.T) {
	near, far, _ := pair(t)
	const n = 3000
	var done sync.WaitGroup
	done.Add(2)
	count := func() func(*link.Frame) {
		next := uint64(0)
		return func(f *link.Frame) {
			if f.Aux != next {
				t.Errorf("frame %d, want %d", f.Aux, next)
			}
			if next++; next == n {
				done.Done()
			}
		}
	}
	nearEnd, farEnd := run(near, count()), run(far, count())
	for i := range n {
		size := 64
		if i%100 == 0 {
			size = link.MaxFrame - link.HeaderSize // more than one batch
		}
		f := &link.Frame{Kind: link.Prepared, Aux: uint64(i), Payload: make([]byte, size)}
		near.Append(f)
		near.Flush()
		far.Append(f)
		far.FlushLater()
	}
	done.Wait()
	near.Close()
	if err := result(t, nearEnd); !errors.Is(err, link.ErrClosed) {
		t.Errorf("Run() = %v, want ErrClosed", err)
	}
	if err := result(t, farEnd); err != nil {
		t.Errorf("Run() of the plugin's end = %v, want nil", err)
	}
}

// TestFlushDoesNotWait: the plugin does not read.
func TestFlushDoesNotWait(t *testing.T) {
	near, _, _ := pair(t)
	ended := run(near, ignore)
	payload := make([]byte, link.MaxChunk)
	for range 400 {
		near.Append(&link.Frame{Kind: link.Data, Payload: payload})
		near.Flush()
	}
	if near.Drained() {
		t.Error("Drained() = true, want false: nobody reads")
	}
	near.Close()
	if err := result(t, ended); !errors.Is(err, link.ErrClosed) {
		t.Errorf("Run() = %v, want ErrClosed", err)
	}
}

func TestPluginCloses(t *testing.T) {
	p := &plugin{links: make(chan *link.Link, 1), ended: make(chan struct{})}
	_, client := serve(t, p)
	near, err := grpclink.Dial(context.Background(), client)
	if err != nil {
		t.Fatal(err)
	}
	nearEnd := run(near, ignore)
	far := <-p.links
	farEnd := run(far, ignore)
	far.Close()
	far.Close()
	if err := result(t, farEnd); !errors.Is(err, link.ErrClosed) {
		t.Errorf("Run() of the plugin's end = %v, want ErrClosed", err)
	}
	close(p.ended)
	if err := result(t, nearEnd); err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
}

// TestPluginDies: its connection breaks.
func TestPluginDies(t *testing.T) {
	p := &plugin{links: make(chan *link.Link, 1), ended: make(chan struct{})}
	s, client := serve(t, p)
	near, err := grpclink.Dial(context.Background(), client)
	if err != nil {
		t.Fatal(err)
	}
	ended := run(near, ignore)
	<-p.links
	stopped := make(chan struct{})
	go func() { s.Stop(); close(stopped) }()
	if err := result(t, ended); err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
	close(p.ended)
	<-stopped
}

// TestMalformedBatches end the link with an error.
func TestMalformedBatches(t *testing.T) {
	whole := link.AppendFrame(nil, &link.Frame{Kind: link.Data, Payload: []byte("hello")})
	for name, b := range map[string][]byte{
		"half a frame": whole[:20], "left over": append(whole[:len(whole):len(whole)], 1, 2), "too large": {0xff, 0xff, 0xff, 0xff},
	} {
		t.Run(name, func(t *testing.T) {
			over := make(chan struct{})
			p := &plugin{raw: func(s pb.Plugin_LinkServer) error {
				defer close(over)
				if err := s.Send(&pb.Batch{Frames: b}); err != nil {
					return err
				}
				<-s.Context().Done()
				return nil
			}}
			_, client := serve(t, p)
			near, err := grpclink.Dial(context.Background(), client)
			if err != nil {
				t.Fatal(err)
			}
			var bad *link.MalformedError
			if err := result(t, run(near, ignore)); !errors.As(err, &bad) {
				t.Errorf("Run() = %v, want a MalformedError", err)
			}
			<-over
		})
	}
}
