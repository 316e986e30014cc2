package nethost

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// guard runs f and makes an error of a panic.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &panicError{value: r, stack: debug.Stack()}
		}
	}()
	return f()
}

// A panicError is a panic of the protocol.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// logPanic logs the stack of err if it is a panic: no error carries it on.
func (h *Host) logPanic(err error) {
	if p := (*panicError)(nil); errors.As(err, &p) {
		h.log.Error("protocol panicked", "panic", p.value, "stack", string(p.stack))
	}
}
