package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
)

// ErrMalformed is returned by [Client.Receive] when the server sends bytes that
// are no reply of the protocol. The connection cannot go on after it.
var ErrMalformed = errors.New("malformed reply")

// A Protocol makes connections to echo servers. Dial is called from several
// goroutines at once.
type Protocol interface {
	// Name is the scheme in an address, as in tcp://127.0.0.1:7001.
	Name() string
	// Dial connects to address, host:port.
	Dial(ctx context.Context, address string, shape Shape) (Client, error)
}

// A Shape is what a [Protocol] may know of the traffic to size its buffers.
type Shape struct {
	// Size of each payload in bytes, and how many are outstanding.
	Size, Depth int
}

// A Client is one connection to an echo server, which answers in order. Send
// and Flush are called from one goroutine, Receive and Buffered from one, which
// may be another; Close from any, also more than once.
type Client interface {
	// Send queues one request; it copies payload.
	Send(payload []byte) error
	// Flush writes what is queued.
	Flush() error
	// Receive waits for the next reply, which is valid until the next call.
	Receive() (payload []byte, err error)
	// Buffered reports whether Receive would return without waiting.
	Buffered() bool
	// Close ends the connection; Send, Flush and Receive return an error then.
	Close() error
}

// ParseAddress splits an address with an optional scheme, as in
// 127.0.0.1:7001 or tcp://127.0.0.1:7001; without one it is tcp.
func ParseAddress(s string) (Protocol, string, error) {
	scheme, address, ok := strings.Cut(s, "://")
	if !ok {
		scheme, address = "tcp", s
	}
	if _, _, err := net.SplitHostPort(address); err != nil {
		return nil, "", fmt.Errorf("parse address %q: %w", s, err)
	}
	if p := (TCP{}); scheme == p.Name() {
		return p, address, nil
	}
	return nil, "", fmt.Errorf("parse address %q: unknown protocol %q", s, scheme)
}
