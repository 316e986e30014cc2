package load

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

// The histogram's buckets. Each power of two is cut into 1<<subBits buckets of
// equal width, so that a bucket is at most 1/128 (0.8 %) of its values wide.
const (
	subBits = 7
	sub     = 1 << subBits
	// maxBits bounds the values: 2^40 ns are 18 minutes. Larger ones are
	// counted in the last bucket; Max is exact.
	maxBits = 40
	buckets = (maxBits - subBits + 1) * sub
)

// A Histogram counts durations in buckets of about 1 % width. The zero value is
// empty and ready. All methods may be called from any goroutine; readings while
// others record are a little behind.
type Histogram struct {
	counts [buckets]atomic.Int64
	sum    atomic.Int64
	max    atomic.Int64
}

// bucket returns the index of v's bucket.
func bucket(v int64) int {
	if v < sub {
		return int(max(v, 0))
	}
	shift := bits.Len64(uint64(v)) - subBits - 1
	return min(shift*sub+int(v>>shift), buckets-1)
}

// upper returns the largest value of a bucket.
func upper(i int) int64 {
	if i < sub {
		return int64(i)
	}
	shift := i/sub - 1
	return int64(i-shift*sub+1)<<shift - 1
}

// Record counts d. It does not allocate.
func (h *Histogram) Record(d time.Duration) { h.record(int64(d)) }

func (h *Histogram) record(v int64) {
	v = max(v, 0)
	h.counts[bucket(v)].Add(1)
	h.sum.Add(v)
	h.raise(v)
}

func (h *Histogram) raise(v int64) {
	for m := h.max.Load(); v > m; m = h.max.Load() {
		if h.max.CompareAndSwap(m, v) {
			return
		}
	}
}

// Merge adds what o has counted to h.
func (h *Histogram) Merge(o *Histogram) {
	for i := range o.counts {
		if n := o.counts[i].Load(); n != 0 {
			h.counts[i].Add(n)
		}
	}
	h.sum.Add(o.sum.Load())
	h.raise(o.max.Load())
}

// Count is the number of durations recorded.
func (h *Histogram) Count() (n int64) {
	for i := range h.counts {
		n += h.counts[i].Load()
	}
	return n
}

// Max is the longest duration recorded, exactly.
func (h *Histogram) Max() time.Duration { return time.Duration(h.max.Load()) }

// Mean is the mean, exactly; 0 if nothing was recorded.
func (h *Histogram) Mean() time.Duration {
	n := h.Count()
	if n == 0 {
		return 0
	}
	return time.Duration(h.sum.Load() / n)
}

// Quantile is the duration that the share q, from 0 to 1, of all recorded ones
// does not exceed: the upper end of its bucket. 0 if nothing was recorded.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := max(int64(math.Ceil(q*float64(h.Count()))), 1)
	var n int64
	for i := range h.counts {
		if n += h.counts[i].Load(); n >= rank {
			return min(time.Duration(upper(i)), h.Max())
		}
	}
	return h.Max()
}
