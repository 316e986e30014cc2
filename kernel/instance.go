package kernel

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/netcore-go/netcore/sdk/link"
	pb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// An instance is one running incarnation of a plugin: the kernel's end of its
// link, and of its process if it has one.
type instance struct {
	k        *Kernel
	slot     *slot
	inc      uint64
	image    *image
	manifest *pb.Manifest
	carrier  Carrier
	started  time.Time

	host    host // its process, or the runtime in this process
	readers []*reader

	conns   atomic.Int64 // connections that it owns or handles
	stale   atomic.Int64 // frames dropped because they were late or foreign
	dead    atomic.Bool  // set before the connections of a dead instance are looked for
	retired atomic.Bool  // it is being stopped on purpose
	broke   atomic.Pointer[string]

	pauses pauses // of the connections that have left it

	emptied chan struct{} // capacity 1: conns has become 0
	resumes bool          // a handler that wants losses in a crash reported
}

// String names the instance as logs and status do.
func (in *instance) String() string {
	return fmt.Sprintf("%s/%s/%d", in.slot.name, in.manifest.GetVersion(), in.inc)
}

// A violationError is what a plugin did that the contract forbids.
type violationError struct{ reason string }

func (e *violationError) Error() string { return "violation of the contract: " + e.reason }

func violation(f *link.Frame, format string, args ...any) error {
	return &violationError{fmt.Sprintf("%v of connection %s: %s", f.Kind, link.FormatID(f.Conn), fmt.Sprintf(format, args...))}
}

// hold counts a connection more.
func (in *instance) hold() { in.conns.Add(1) }

// unhold counts a connection less, and wakes whoever waits for the last.
func (in *instance) unhold() {
	if in.conns.Add(-1) == 0 {
		select {
		case in.emptied <- struct{}{}:
		default:
		}
	}
}
