package slot

import (
	"fmt"
	"strings"
	"time"
)

// A Mode is what a slot does.
type Mode uint8

// The modes; the package comment draws their changes.
const (
	Idle Mode = iota // before Boot
	Starting
	Serving
	Swapping
	Restarting
	Quarantined
	Stopped // or stopping, while instances are live
)

var modeNames = [...]string{"idle", "starting", "serving", "swapping", "restarting", "quarantined", "stopped"}

// String returns the mode's name in the status.
func (m Mode) String() string {
	if int(m) < len(modeNames) {
		return modeNames[m]
	}
	return fmt.Sprintf("mode(%d)", uint8(m))
}

// A Step is how far a swap has come. It is NoStep in other modes.
type Step uint8

// The steps.
const (
	NoStep Step = iota
	StepStarting
	StepMoving
	StepRetiring
)

var stepNames = [...]string{"", "starting", "moving", "retiring"}

// String returns the step's name.
func (s Step) String() string {
	if int(s) < len(stepNames) {
		return stepNames[s]
	}
	return fmt.Sprintf("step(%d)", uint8(s))
}

// A Binary is what an instance runs.
type Binary struct {
	Path    string
	Version string
}

// IsZero reports whether there is no binary.
func (b Binary) IsZero() bool { return b == Binary{} }

// String returns the version, or the path of a binary without one.
func (b Binary) String() string {
	if b.Version != "" {
		return b.Version
	}
	return b.Path
}

// An Instance is one process, or one start of a plugin in this process.
type Instance struct {
	Inc    uint64 // 0: no instance
	Binary Binary
}

// Live reports whether there is an instance.
func (i Instance) Live() bool { return i.Inc != 0 }

// String returns the instance as logs and errors name it.
func (i Instance) String() string {
	if s := i.Binary.String(); s != "" {
		return fmt.Sprintf("#%d (%s)", i.Inc, s)
	}
	return fmt.Sprintf("#%d", i.Inc)
}

// A State is all that a slot knows. Its zero value is a slot before Boot. Next
// returns new states and leaves the old ones as they were; others only read.
type State struct {
	Mode Mode
	Step Step
	// Reason says why the mode is what it is, or what went wrong last. A
	// completed swap and a reset clear it.
	Reason string

	Serving Instance
	Next    Instance
	Old     Instance

	// Binary is what a restart runs, Previous what a rollback goes to.
	Binary   Binary
	Previous Binary

	// Until is when a Restarting slot starts again; zero if that runs already.
	Until time.Time

	LastInc uint64 // the highest incarnation given out
	Deaths  int64  // of serving instances and restarts, ever
	Swaps   int64  // completed swaps and rollbacks, ever

	op      uint64      // the operation that waits for its Reply, or 0
	back    Mode        // where a swap that fails leads
	orphans []uint64    // dead instances whose connections wait for a Started
	recent  []time.Time // deaths that count, oldest first
	streak  int         // deaths since the last forgiveness, for the back-off
	// doubtful is when the old instance died during the last swap, so that its
	// successor became the current one without a proper move; zero otherwise.
	doubtful time.Time
}

// Live returns how many instances are live.
func (s State) Live() int {
	n := 0
	for _, i := range []Instance{s.Serving, s.Next, s.Old} {
		if i.Live() {
			n++
		}
	}
	return n
}

// String shows the state in one line, for logs and transcripts.
func (s State) String() string {
	var b strings.Builder
	b.WriteString(s.Mode.String())
	if s.Step != NoStep {
		b.WriteString("/" + s.Step.String())
	}
	show := func(name string, value any, ok bool) {
		if ok {
			fmt.Fprintf(&b, " %s=%v", name, value)
		}
	}
	show("serving", s.Serving, s.Serving.Live())
	show("next", s.Next, s.Next.Live())
	show("old", s.Old, s.Old.Live())
	show("binary", s.Binary, !s.Binary.IsZero())
	show("previous", s.Previous, !s.Previous.IsZero())
	show("until", s.Until.UTC().Format("15:04:05.000"), !s.Until.IsZero())
	show("orphans", s.orphans, len(s.orphans) > 0)
	show("op", s.op, s.op != 0)
	show("deaths", len(s.recent), len(s.recent) > 0)
	if s.Reason != "" {
		fmt.Fprintf(&b, " reason=%q", s.Reason)
	}
	return b.String()
}
