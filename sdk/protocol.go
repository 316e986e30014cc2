package sdk

import (
	"context"
	"net"
)

// A Protocol brings its own server loop over a net.Listener.
type Protocol interface {
	Info() Info

	// Serve accepts from l until l is closed, and announces each connection to
	// kernel. It returns when all its connections have ended. When ctx ends it
	// drains: it takes no more requests (GOAWAY, in HTTP/2's terms) and ends
	// each connection as soon as it is idle. options is the listener's JSON
	// object, or nothing.
	Serve(ctx context.Context, l net.Listener, kernel Kernel, options []byte) error
}

// A PacketProtocol brings its own server loop over a net.PacketConn.
type PacketProtocol interface {
	Info() Info

	// ServePacket is Serve over packets: it returns when pc is closed. Peers
	// are announced with kernel.Request, and served if they are admitted.
	ServePacket(ctx context.Context, pc net.PacketConn, kernel Kernel, options []byte) error
}

// An OptionChecker is a Protocol or PacketProtocol that can tell whether
// options are right before it serves. An error that is an [*OptionError] names
// the option.
type OptionChecker interface {
	CheckOptions(options []byte) error
}

// A Kernel is how a [Protocol] or [PacketProtocol] hands connections and
// messages on. All methods may be called from any goroutine.
type Kernel interface {
	// Open announces conn, which Accept has returned. Messages for the peer
	// arrive at p. It returns [ErrClosed] if the connection has ended already.
	Open(conn net.Conn, p Peer) (Session, error)

	// Request asks for a connection that no accept has made: a peer of a
	// packet socket, a long-poll session. key tells such connections of one
	// remote address apart. It waits for the kernel's answer and returns
	// [ErrRefused] if admission says no.
	Request(ctx context.Context, local, remote net.Addr, key string, p Peer) (Session, error)
}

// A Session is the kernel's side of one connection. All methods may be called
// from any goroutine.
type Session interface {
	ID() string

	// Deliver hands a message of the peer to the kernel; it copies m.Data. It
	// waits while the connection's window is shut, until ctx ends. It returns
	// [ErrClosed] after the connection has ended. Concurrent calls are ordered
	// only within one stream.
	Deliver(ctx context.Context, m Message) error

	// Close tells the kernel that the peer is gone; cause is nil for an
	// orderly end. It may be called more than once.
	Close(cause error)
}

// A Peer is the protocol's side of one connection. The SDK calls its methods
// one after another, on a goroutine that may wait for the peer.
type Peer interface {
	// Send writes m to the peer. m.Data is valid until it returns. Its return
	// opens the window; an error ends the connection.
	Send(m Message) error

	// EndReply says that the handler has finished with a stream of a protocol
	// with streams: nothing more will be sent on it.
	EndReply(stream uint64)

	// Close ends the connection because of cause, nil for an orderly end, after
	// what was sent before. It is the last call.
	Close(cause error)
}

// A Quiescer is a [Peer] that can move to a successor.
type Quiescer interface {
	// Quiesce stops the connection at a boundary of its protocol, flushes it,
	// and returns the bytes that were read and not used, and the state that
	// the successor finds as [Resumed] on the connection that it accepts.
	// [ErrNotMovable] says not now: the connection goes on.
	Quiesce(ctx context.Context) (unread, state []byte, err error)

	// Unquiesce goes on after Quiesce because the move did not take place.
	Unquiesce()
}

// Resumed is implemented by a net.Conn from Accept that was taken over from a
// predecessor. Its first bytes read are those that the predecessor left over.
type Resumed interface {
	ResumedState() []byte
}
