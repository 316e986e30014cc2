package sdk

import (
	"errors"
	"fmt"
)

// Errors of this package's interfaces. Compare with errors.Is.
var (
	// ErrClosed: the connection has ended.
	ErrClosed = errors.New("connection closed")
	// ErrMoved: the connection belongs to another instance of the plugin now.
	ErrMoved = errors.New("connection moved to another instance")
	// ErrWindow: the client's window is shut and the caller must not wait.
	ErrWindow = errors.New("window shut")
	// ErrTooLarge: a message exceeds the limit that the listener sets.
	ErrTooLarge = errors.New("message too large")
	// ErrRefused: the kernel does not admit the connection.
	ErrRefused = errors.New("connection refused by admission")
	// ErrNotMovable: the connection cannot move to another instance at this
	// point of its stream.
	ErrNotMovable = errors.New("connection cannot move")
)

// The causes of a connection's end, as OnDisconnect, logs and counters show
// them. An orderly end has no error.
var (
	// ErrReset: the peer reset the connection or the network failed.
	ErrReset = errors.New("connection reset")
	// ErrProtocol: the peer broke the protocol.
	ErrProtocol = errors.New("protocol error")
	// ErrIdle: nothing came or went for the listener's idle_timeout.
	ErrIdle = errors.New("idle timeout")
	// ErrTimeout: a read or write deadline or a heartbeat passed.
	ErrTimeout = errors.New("timeout")
	// ErrOverflow: the peer did not read and its queue was full.
	ErrOverflow = errors.New("queue overflow")
	// ErrCrashed: a plugin died in the middle of one of its messages.
	ErrCrashed = errors.New("plugin crashed")
	// ErrDraining: the server is going down.
	ErrDraining = errors.New("server draining")
	// ErrOperator: the connection was closed through the admin interface.
	ErrOperator = errors.New("closed by operator")
)

// An OptionError says which option of a plugin is wrong.
type OptionError struct {
	// Field is the option's path, as in "framing" or "limits.max".
	Field string
	Err   error
}

func (e *OptionError) Error() string { return fmt.Sprintf("option %s: %v", e.Field, e.Err) }

// Unwrap returns the error without the field.
func (e *OptionError) Unwrap() error { return e.Err }
