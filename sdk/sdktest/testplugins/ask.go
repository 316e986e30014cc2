package testplugins

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"

	"github.com/netcore-go/netcore/sdk"
)

// Ask is a protocol with requests, and a server loop of its own. A request is a
// line "N text"; N, not 0, is the number of its stream. Each reply is "N text",
// and "N ." ends them. Its connections can move.
type Ask struct{}

var _ sdk.Protocol = Ask{}

// Info names the protocol.
func (Ask) Info() sdk.Info { return sdk.Info{Name: "ask", Streams: true} }

// Serve serves each connection on a goroutine, until all have ended.
func (Ask) Serve(ctx context.Context, l net.Listener, kernel sdk.Kernel, _ []byte) error {
	var all sync.WaitGroup
	defer all.Wait()
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		all.Go(func() { serveAsk(ctx, conn, kernel) }) // ends with the connection
	}
}

func serveAsk(ctx context.Context, conn net.Conn, kernel sdk.Kernel) {
	c := newAskConn(conn)
	s, err := kernel.Open(conn, c)
	if err != nil {
		_ = conn.Close() // it has ended already
		return
	}
	drained := context.AfterFunc(ctx, func() { s.Close(nil) })
	defer drained()
	err = c.read(s)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if !errors.Is(err, errOver) {
		s.Close(err)
	}
	<-c.over
}
