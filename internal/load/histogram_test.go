package load_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/netcore-go/netcore/internal/load"
)

func TestHistogramQuantiles(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var parts [3]load.Histogram
	var all []time.Duration
	for i := range 30_000 {
		d := time.Duration(r.ExpFloat64() * float64(time.Millisecond))
		if i%100 == 0 {
			d *= 1000
		}
		parts[i%len(parts)].Record(d)
		all = append(all, d)
	}
	var h load.Histogram
	for i := range parts {
		h.Merge(&parts[i])
	}
	slices.Sort(all)
	if h.Count() != int64(len(all)) || h.Max() != all[len(all)-1] {
		t.Errorf("Count, Max = %d, %v, want %d, %v", h.Count(), h.Max(), len(all), all[len(all)-1])
	}
	for _, q := range []float64{0.001, 0.5, 0.9, 0.99, 0.999, 1} {
		want := all[max(int(q*float64(len(all))+0.5)-1, 0)]
		if got := h.Quantile(q); got < want || float64(got) > float64(want)*1.008+1 {
			t.Errorf("Quantile(%v) = %v, want %v and at most 0.8 %% more", q, got, want)
		}
	}
}

// Each value lies in a bucket that is not wider than 0.8 % of it, at all
// magnitudes and at the edges of buckets.
func TestHistogramError(t *testing.T) {
	for shift := range 40 {
		for _, d := range []int64{1<<shift - 1, 1 << shift, 1<<shift + 1, 1<<shift + 1<<shift/3} {
			var h load.Histogram
			h.Record(time.Duration(d))
			h.Record(1 << 41) // so that Max does not hide the bucket's end
			got := int64(h.Quantile(0.5))
			if got < d || float64(got-d) > float64(d)/128 {
				t.Errorf("Quantile of %d = %d", d, got)
			}
		}
	}
}

func TestHistogramEdges(t *testing.T) {
	var h load.Histogram
	if h.Quantile(0.5) != 0 || h.Mean() != 0 || h.Max() != 0 || h.Count() != 0 {
		t.Error("an empty histogram is not zero")
	}
	h.Record(-5)
	h.Record(1 << 50)
	if got := h.Max(); got != 1<<50 {
		t.Errorf("Max() = %d, want 2^50", got)
	}
	if got := h.Mean(); got != 1<<49 {
		t.Errorf("Mean() = %d, want 2^49", got)
	}
	if got := h.Quantile(0.5); got != 0 {
		t.Errorf("Quantile(0.5) = %v, want 0 for the negative one", got)
	}
}

func TestHistogramDoesNotAllocate(t *testing.T) {
	var h load.Histogram
	if n := testing.AllocsPerRun(100, func() { h.Record(12345) }); n != 0 {
		t.Errorf("Record allocates %v times", n)
	}
}
