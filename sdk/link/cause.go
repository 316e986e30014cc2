package link

import (
	"errors"

	"github.com/netcore-go/netcore/sdk"
)

// A Cause is why a connection ended, as frames carry it.
type Cause = uint32

// The causes of FRAMES.md.
const (
	CauseNone Cause = iota
	CauseReset
	CauseProtocol
	CauseIdle
	CauseTimeout
	CauseOverflow
	CauseCrashed
	CauseDraining
	CauseOperator
	CauseRefused
	CauseTooLarge
	CauseInternal
	CauseEnd // one past the last
)

var errInternal = errors.New("internal error")

var causes = [CauseEnd]error{nil, sdk.ErrReset, sdk.ErrProtocol, sdk.ErrIdle, sdk.ErrTimeout, sdk.ErrOverflow, sdk.ErrCrashed,
	sdk.ErrDraining, sdk.ErrOperator, sdk.ErrRefused, sdk.ErrTooLarge, errInternal}

var causeNames = [CauseEnd]string{"orderly", "reset", "protocol", "idle", "timeout", "overflow", "crashed", "draining", "operator",
	"refused", "too_large", "internal"}

// CauseError returns the error that c stands for, nil for CauseNone.
func CauseError(c Cause) error {
	if c >= CauseEnd {
		return errInternal
	}
	return causes[c]
}

// CauseOf returns the cause that err stands for.
func CauseOf(err error) Cause {
	if err == nil {
		return CauseNone
	}
	// The last match wins: a protocol error because of a size is "too large".
	c := CauseInternal
	for i := Cause(1); i < CauseInternal; i++ {
		if errors.Is(err, causes[i]) {
			c = i
		}
	}
	return c
}

// CauseName returns the name of c in counters and logs.
func CauseName(c Cause) string {
	if c >= CauseEnd {
		c = CauseInternal
	}
	return causeNames[c]
}
