package sdk

import "net"

// A Connection is a client's connection as a handler sees it. All methods may be
// called from any goroutine, also after the connection has ended.
type Connection interface {
	// ID is unique among all connections that this kernel ever had.
	ID() string
	RemoteAddr() net.Addr
	LocalAddr() net.Addr

	// Send sends data as one binary message. It copies data before it returns.
	// Within OnMessage it answers that message's stream.
	//
	// Send waits while the client's window is shut, unless the handler runs in
	// line (see [Inline]): then it returns [ErrWindow]. It returns [ErrClosed]
	// after the connection has ended, and [ErrMoved] after it has moved to
	// another instance of the handler. A nil error means that the message is on
	// its way in order, not that the client has it.
	Send(data []byte) error

	// SendMessage is Send with a type and headers.
	SendMessage(msg Message) error

	// Close ends the connection after what was sent before it. It may be
	// called more than once.
	Close() error

	// IsActive reports whether Send can still succeed.
	IsActive() bool

	// SetContext keeps a value with the connection, in the kernel: a successor
	// of this handler finds it after a swap and after a crash. A nil value
	// removes the key. Keys are strings; values are booleans, integers, floats,
	// strings, []byte and encoding.BinaryMarshaler (read back as []byte). With
	// any other key or value the pair stays in this process, which is logged
	// once. A successor finds signed integers as int64, unsigned ones as uint64
	// and floats as float64.
	SetContext(key, value interface{})

	// GetContext returns the value that was set last, or nil.
	GetContext(key interface{}) interface{}
}

// A Holder is a [Connection] whose current message can be acknowledged later
// than at the return of OnMessage. All connections given to OnMessage are.
type Holder interface {
	// Hold keeps the message that OnMessage is handling unacknowledged until
	// release is called, which any goroutine may do, once. It must be called
	// within OnMessage. While a message is held its connection does not move
	// to another instance, and its share of the window stays taken.
	Hold() (release func())
}

// Hold is c's Hold, or does nothing where c cannot hold.
func Hold(c Connection) (release func()) {
	if h, ok := c.(Holder); ok {
		return h.Hold()
	}
	return func() {}
}

// A ConnectionState is a station in the life of a connection.
type ConnectionState int

// The states, in the order in which a connection passes through them.
// StateError is final, as StateDisconnected is.
const (
	StateConnecting ConnectionState = iota
	StateConnected
	StateDisconnecting
	StateDisconnected
	StateError
)

// String returns the state's name as status and logs print it.
func (s ConnectionState) String() string {
	switch s {
	case StateConnecting:
		return "connecting"
	case StateConnected:
		return "connected"
	case StateDisconnecting:
		return "disconnecting"
	case StateDisconnected:
		return "disconnected"
	case StateError:
		return "error"
	}
	return "unknown"
}
