// Package grpclink carries a link's batches over the Link call of the Plugin
// service, for plugins in any language and for debugging.
package grpclink

import (
	"context"
	"errors"
	"io"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/netcore-go/netcore/sdk/link"
	pb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// maxBatch bounds the frames of one Batch, in bytes: below the message limit of
// both sides.
const maxBatch = 1 << 20

// batches is what the client's and the server's end of the call share.
type batches interface {
	Send(*pb.Batch) error
	Recv() (*pb.Batch, error)
	Context() context.Context
}

// Dial opens the Link call of a plugin; the kernel's side.
func Dial(ctx context.Context, client pb.PluginClient) (*link.Link, error) {
	ctx, cancel := context.WithCancel(ctx)
	stream, err := client.Link(ctx, grpc.MaxCallRecvMsgSize(4<<20))
	if err != nil {
		cancel()
		return nil, err
	}
	return link.New(&carrier{stream: stream, cancel: cancel}), nil
}

// Serve turns a Link call that a plugin serves into its end of the link; the
// call must not return before the link's Run has.
func Serve(stream pb.Plugin_LinkServer) *link.Link {
	c := &carrier{stream: stream, cancel: func() {}, served: make(chan struct{})}
	return link.New(c)
}

type carrier struct {
	stream batches
	cancel func()
	served chan struct{} // nil on the client's side; closed by Close
	once   sync.Once
}

// TryWrite leaves all to the link's writer, since Send may wait.
func (c *carrier) TryWrite(b []byte) (rest []byte, err error) { return b, nil }

func (c *carrier) Write(b []byte) error {
	for len(b) > 0 {
		n := link.Whole(b, maxBatch)
		if err := c.stream.Send(&pb.Batch{Frames: b[:n]}); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

func (c *carrier) Read(receive func(batch []byte) error, idle func()) error {
	each := func(batch []byte) error {
		defer idle() // whether more has arrived cannot be seen
		return receive(batch)
	}
	if c.served == nil {
		return c.read(each)
	}
	// The server's Recv ends only with the call, and the call with Run: so
	// Close must not wait for Recv.
	done := make(chan error, 1) // capacity 1: the reader ends also if nobody waits
	var mu sync.Mutex
	open := true
	go func() { // ends with the call
		done <- c.read(func(batch []byte) error {
			mu.Lock()
			defer mu.Unlock()
			if !open {
				return link.ErrClosed
			}
			return each(batch)
		})
	}()
	select {
	case err := <-done:
		return err
	case <-c.served:
		mu.Lock()
		open = false
		mu.Unlock()
		return link.ErrClosed
	}
}

func (c *carrier) read(receive func(batch []byte) error) error {
	for {
		b, err := c.stream.Recv()
		if err != nil {
			return readError(err)
		}
		if err := link.CheckBatch(b.Frames); err != nil {
			return err
		}
		if err := receive(b.Frames); err != nil {
			return err
		}
	}
}

// readError tells the end of the other process from a failure.
func readError(err error) error {
	if errors.Is(err, io.EOF) || status.Code(err) == codes.Canceled || status.Code(err) == codes.Unavailable {
		return nil
	}
	return err
}

func (c *carrier) Close() error {
	c.once.Do(func() {
		c.cancel()
		if c.served != nil {
			close(c.served)
		}
	})
	return nil
}
