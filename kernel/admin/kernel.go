package admin

import (
	"context"

	"github.com/netcore-go/netcore/kernel"
)

// An Observer is what the read-only routes ask. Its methods are called from any
// goroutine and do not wait.
type Observer interface {
	Status() kernel.Status
	// Connections returns at most limit connections, of all listeners if
	// listener is empty.
	Connections(limit int, listener string) []kernel.ConnectionInfo
}

// An Operator changes plugins and connections. Its methods are called from any
// goroutine; ctx ends with the server, not with the request. Errors are
// kernel.ErrBusy, kernel.ErrUnknown, kernel.ErrDraining or of any other kind.
type Operator interface {
	Swap(ctx context.Context, name, path string) (kernel.SwapReport, error)
	Rollback(ctx context.Context, name string) (kernel.SwapReport, error)
	Reset(ctx context.Context, name string) error
	CloseConnection(id string) error
}

// A Process is what the routes about the whole process ask. The methods may be
// called from any goroutine.
type Process interface {
	// Reload reads the configuration again and applies it whole or not at all.
	// kernel.ErrInvalid says that it is wrong.
	Reload(ctx context.Context) error
	// Drain begins an orderly end of the process, and returns when all
	// connections have ended or were cut off.
	Drain(ctx context.Context) error
	// Stop begins the end of the process and returns at once.
	Stop(force bool)
}
