package kernel

import "errors"

// Errors of the kernel. Compare with errors.Is.
var (
	// ErrBusy: the plugin's slot is at another operation; the text says which.
	ErrBusy = errors.New("busy")
	// ErrUnknown: there is no plugin or connection of that name.
	ErrUnknown = errors.New("unknown")
	// ErrDraining: the kernel is going down.
	ErrDraining = errors.New("draining")
	// ErrInvalid: the configuration is wrong; the text says where.
	ErrInvalid = errors.New("invalid configuration")
	// ErrUnclean: connections were cut off at the end of a drain.
	ErrUnclean = errors.New("connections were cut off")
)
