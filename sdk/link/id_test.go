package link_test

import (
	"math"
	"testing"

	"github.com/netcore-go/netcore/sdk/link"
)

func TestID(t *testing.T) {
	for _, n := range []uint64{1, 15, 16, 0xdeadbeef, math.MaxUint64} {
		got, err := link.ParseID(link.FormatID(n))
		if err != nil || got != n {
			t.Errorf("ParseID(FormatID(%d)) = %d, %v, want %d", n, got, err, n)
		}
	}
}

func TestParseIDRefuses(t *testing.T) {
	for _, id := range []string{"", "0", "01", "FF", "0x1", "+1", "g", "10000000000000000", " 1"} {
		if n, err := link.ParseID(id); err == nil {
			t.Errorf("ParseID(%q) = %d, want an error", id, n)
		}
	}
}
