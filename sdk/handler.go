package sdk

import (
	"context"
	"time"
)

// A MessageHandler is an application.
//
// For one connection the calls come one after another, in the order OnConnect,
// OnMessage for each message, OnDisconnect; messages of different streams of a
// connection may overlap. Different connections run side by side. OnConnect and
// OnDisconnect come once per client, never because of a swap or a crash.
type MessageHandler interface {
	OnConnect(conn Connection)

	// OnMessage handles msg. Its return acknowledges the message, unless the
	// handler called [Hold]. msg.Data is valid until it returns, held or not.
	OnMessage(conn Connection, msg Message)

	// OnDisconnect is told why the connection ended; err is nil after an
	// orderly end by either side.
	OnDisconnect(conn Connection, err error)
}

// An Inline handler runs where messages arrive, without a queue or a goroutine
// of its own: the fastest way, for handlers that never block. While one of its
// methods runs, the whole process's link waits, and Send returns [ErrWindow]
// instead of waiting.
type Inline interface {
	// Inline reports whether the handler wants to run in line.
	Inline() bool
}

// A Starter is a handler that wants to know its [Host]. Start is called once,
// before any other method; an error ends the start of the plugin. ctx ends when
// the plugin stops.
type Starter interface {
	Start(ctx context.Context, host Host) error
}

// A Configurer takes the config section of its plugin, a JSON document, before
// Start. An error that is an [*OptionError] names the option.
type Configurer interface {
	Configure(config []byte) error
}

// A Mover is told about each connection that arrives from another instance of
// the handler in a swap, instead of OnConnect. The connection has its context.
type Mover interface {
	OnMoved(conn Connection)
}

// A Resumer is told about each connection whose handler instance died. lost
// counts the messages that were given to the dead instance and not
// acknowledged: whether they took effect is not known. Without a Resumer, a
// connection that lost nothing is moved, one that lost messages is treated as
// its listener's on_handler_loss says.
type Resumer interface {
	OnResume(conn Connection, lost int)
}

// A Host is what a running handler can ask of the kernel. All methods may be
// called from any goroutine.
type Host interface {
	// Connection returns the connection of that ID, if it is bound to this
	// instance.
	Connection(id string) (Connection, bool)

	// Join adds the connection to a room, which exists while it has members.
	// Rooms live in the kernel and outlast swaps and crashes of the handler.
	Join(conn Connection, room string) error

	// Leave takes the connection out of a room. A connection that ends leaves
	// all its rooms.
	Leave(conn Connection, room string) error

	// Broadcast sends msg to all members of a room but except (which may be
	// nil). It does not wait: a member whose queue is full misses the message,
	// which is counted, or is closed, as its listener's queue policy says.
	Broadcast(room string, msg Message, except Connection) error

	// AfterFunc runs f after d in conn's order, as its messages do. It does
	// not run if the connection has ended or moved by then; a successor sets
	// its own timers in OnMoved.
	AfterFunc(conn Connection, d time.Duration, f func(Connection))
}
