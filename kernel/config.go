package kernel

import (
	"time"

	"github.com/netcore-go/netcore/sdk"
)

// Config is what a kernel runs: listeners, the protocol plugins that serve
// them, and the handler plugins behind them. Slices and maps that it holds must
// not be changed afterwards.
type Config struct {
	// RunDir is the directory for sockets; created 0700 if it does not exist.
	// It must not be empty, and short: a unix socket's path has at most 107 bytes.
	RunDir string
	// Listeners are served in this order. Names are unique.
	Listeners []Listener
	// Plugins are all plugins that the listeners name, by name.
	Plugins map[string]Plugin
	// MaxConnections bounds all listeners together. If zero, it follows from
	// the limit on open files.
	MaxConnections int
	// DrainTimeout bounds a drain and a swap: what has not moved or ended by
	// then is closed. If zero, 30 seconds.
	DrainTimeout time.Duration
}

// A Listener is an address, a protocol and a handler.
type Listener struct {
	Name string
	// Protocol is the name of the protocol plugin.
	Protocol string
	// Address is host:port; an empty host is all addresses.
	Address string
	// Packet says that the protocol needs a UDP socket.
	Packet bool
	// Options is a JSON object for the protocol, or nil.
	Options []byte
	// Handler is the name of the handler plugin.
	Handler string
	Limits  Limits
	// HeartbeatInterval is how often a silent peer is pinged, for protocols
	// that can. If zero, never.
	HeartbeatInterval time.Duration
	// HeartbeatTimeout ends a peer that does not answer a ping. If zero, the interval.
	HeartbeatTimeout time.Duration
	// QueuePolicy says what happens when a client's outbound queue is full. If
	// empty, QueueBlock.
	QueuePolicy QueuePolicy
	// OnHandlerLoss says what becomes of a connection whose handler died with
	// messages unacknowledged, if the handler is no sdk.Resumer. If empty, LossKeep.
	OnHandlerLoss LossPolicy
}

// Limits bound what the peers of a listener can make grow.
type Limits struct {
	// MaxConnections of this listener. If zero, the kernel's.
	MaxConnections int
	// PerSource bounds the connections from one IP address. If zero, no bound.
	PerSource int
	// IdleTimeout ends a connection on which nothing was received or sent for
	// that long. If zero, never.
	IdleTimeout time.Duration
	// ReadTimeout bounds how long a peer may take for one message, from its
	// first byte. If zero, no bound.
	ReadTimeout time.Duration
	// WriteTimeout bounds how long a peer may leave written bytes unread when
	// the socket is full. If zero, no bound.
	WriteTimeout time.Duration
	// QueueBytes bounds the outbound messages that wait for a client. If zero, 1 MiB.
	QueueBytes int
}

// A QueuePolicy says what happens to a message whose client's queue is full.
type QueuePolicy string

// The policies. A broadcast never blocks: with QueueBlock it is dropped for the
// member whose queue is full.
const (
	QueueBlock QueuePolicy = "block"
	QueueDrop  QueuePolicy = "drop_newest"
	QueueClose QueuePolicy = "close"
)

// A LossPolicy says what becomes of a connection that lost messages in a crash
// of its handler.
type LossPolicy string

// The policies.
const (
	LossKeep  LossPolicy = "keep"
	LossClose LossPolicy = "close"
)

// A Carrier names how frames travel between kernel and a plugin process.
type Carrier string

// The carriers. CarrierAuto takes the first that the plugin offers.
const (
	CarrierAuto Carrier = ""
	CarrierUnix Carrier = "unix"
	CarrierGRPC Carrier = "grpc"

	carrierMemory Carrier = "memory" // plugins in this process
)

// A Plugin says where a plugin is and how it runs. Exactly one of Path and
// Local is set.
type Plugin struct {
	// Path is the plugin's executable.
	Path string
	// Local is a plugin in this process. It does not survive its own panics.
	Local *sdk.Plugin
	// Config is the handler's config section, JSON, or nil.
	Config []byte
	// SHA256, if not empty, must be the executable's hash, in hexadecimal.
	SHA256 string
	// Env are more variables for the process, NAME=value; it inherits none
	// but PATH, HOME, TMPDIR, LANG and TZ.
	Env []string
	// GOMAXPROCS of the process. If zero, one for each two CPUs, at least one.
	GOMAXPROCS int
	// Carrier forces a carrier.
	Carrier Carrier
}
