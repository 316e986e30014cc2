package link_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/link"
)

// TestCauses: numbers and names are those of FRAMES.md.
func TestCauses(t *testing.T) {
	tests := []struct {
		number link.Cause
		name   string
		err    error
	}{
		{0, "orderly", nil}, {1, "reset", sdk.ErrReset}, {2, "protocol", sdk.ErrProtocol}, {3, "idle", sdk.ErrIdle},
		{4, "timeout", sdk.ErrTimeout}, {5, "overflow", sdk.ErrOverflow}, {6, "crashed", sdk.ErrCrashed},
		{7, "draining", sdk.ErrDraining}, {8, "operator", sdk.ErrOperator}, {9, "refused", sdk.ErrRefused}, {10, "too_large", sdk.ErrTooLarge},
	}
	for _, tt := range tests {
		err := link.CauseError(tt.number)
		if !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
			t.Errorf("CauseError(%d) = %v, want %v", tt.number, err, tt.err)
		}
		if got := link.CauseName(tt.number); got != tt.name {
			t.Errorf("CauseName(%d) = %s, want %s", tt.number, got, tt.name)
		}
		wrapped := tt.err
		if wrapped != nil {
			wrapped = fmt.Errorf("read: %w", tt.err)
		}
		if got := link.CauseOf(wrapped); got != tt.number {
			t.Errorf("CauseOf(%v) = %d, want %d", wrapped, got, tt.number)
		}
	}
}

func TestUnknownCausesAreInternal(t *testing.T) {
	for _, c := range []link.Cause{link.CauseInternal, link.CauseEnd, 4294967295} {
		if err := link.CauseError(c); err == nil || link.CauseName(c) != "internal" || link.CauseOf(err) != link.CauseInternal {
			t.Errorf("cause %d: %v, %s, want internal", c, err, link.CauseName(c))
		}
	}
	if got := link.CauseOf(errors.New("whatever")); got != link.CauseInternal {
		t.Errorf("CauseOf(any error) = %d, want %d", got, link.CauseInternal)
	}
	both := fmt.Errorf("%w: %w", sdk.ErrProtocol, sdk.ErrTooLarge)
	if got := link.CauseOf(both); got != link.CauseTooLarge {
		t.Errorf("CauseOf(%v) = %s, want too_large", both, link.CauseName(got))
	}
}
