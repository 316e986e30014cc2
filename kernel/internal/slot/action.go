package slot

import (
	"fmt"
	"time"
)

// An Action is something to do. The kernel does them in order and does not wait
// for one to finish: what comes of it is an event.
type Action interface {
	fmt.Stringer
	action()
}

// Start starts Binary as Inc: Started or StartFailed follows.
type Start struct {
	Inc    uint64
	Binary Binary
}

// Serve binds new connections to Inc from now on.
type Serve struct{ Inc uint64 }

// Move moves the connections of From to To: MoveDone follows. It ends if either
// dies.
type Move struct{ From, To uint64 }

// Adopt gives the connections of Dead, which is dead, to To.
type Adopt struct{ Dead, To uint64 }

// Retire asks Inc to end, as planned, once it holds nothing: Exited follows.
type Retire struct{ Inc uint64 }

// Kill ends Inc at once: Died or Exited follows. Killing one that has gone does
// nothing.
type Kill struct{ Inc uint64 }

// SetTimer asks for Timer at At. It replaces an earlier one.
type SetTimer struct{ At time.Time }

// Reply ends operation Op. Err is nil if it succeeded; Inc is the instance that
// serves then, 0 if none.
type Reply struct {
	Op  uint64
	Inc uint64
	Err error
}

// Quarantine says that the slot has given up. The connections of dead instances
// will not be adopted.
type Quarantine struct{ Reason string }

func (Start) action()      {}
func (Serve) action()      {}
func (Move) action()       {}
func (Adopt) action()      {}
func (Retire) action()     {}
func (Kill) action()       {}
func (SetTimer) action()   {}
func (Reply) action()      {}
func (Quarantine) action() {}

func (a Start) String() string    { return fmt.Sprintf("start #%d (%v)", a.Inc, a.Binary) }
func (a Serve) String() string    { return fmt.Sprintf("serve #%d", a.Inc) }
func (a Move) String() string     { return fmt.Sprintf("move #%d to #%d", a.From, a.To) }
func (a Adopt) String() string    { return fmt.Sprintf("adopt #%d to #%d", a.Dead, a.To) }
func (a Retire) String() string   { return fmt.Sprintf("retire #%d", a.Inc) }
func (a Kill) String() string     { return fmt.Sprintf("kill #%d", a.Inc) }
func (a SetTimer) String() string { return "timer at " + a.At.UTC().Format("15:04:05.000") }

func (a Reply) String() string {
	if a.Err != nil {
		return fmt.Sprintf("reply op %d: %v", a.Op, a.Err)
	}
	return fmt.Sprintf("reply op %d: ok #%d", a.Op, a.Inc)
}

func (a Quarantine) String() string { return "quarantine: " + a.Reason }
