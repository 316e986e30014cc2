package load

import "time"

// Result is what a run measured.
type Result struct {
	Protocol    string `json:"protocol"`
	Address     string `json:"address"`
	Connections int    `json:"connections"`
	Depth       int    `json:"depth"`
	Size        int    `json:"size"`
	// Messages are the requests of the measurement that were answered rightly.
	Messages int64 `json:"messages"`
	// Elapsed is from the start of the measurement to its last reply.
	Elapsed time.Duration `json:"elapsed_ns"`
	// Rate is messages a second.
	Rate    float64 `json:"rate"`
	Latency Latency `json:"latency"`
	Errors  Errors  `json:"errors"`
	// FirstError is the text of the first error of a connection, if any.
	FirstError string `json:"first_error,omitempty"`
}

// Latency of the measured messages.
type Latency struct {
	Mean time.Duration `json:"mean_ns"`
	P50  time.Duration `json:"p50_ns"`
	P90  time.Duration `json:"p90_ns"`
	P99  time.Duration `json:"p99_ns"`
	P999 time.Duration `json:"p999_ns"`
	Max  time.Duration `json:"max_ns"`
}

// Errors counts what went wrong, in the warm-up too.
type Errors struct {
	// Lost requests had no reply when their connection ended.
	Lost int64 `json:"lost"`
	// Wrong replies had another content than any outstanding request.
	Wrong int64 `json:"wrong"`
	// Reordered replies came after the reply of a later request.
	Reordered int64 `json:"reordered"`
	// Disconnects are connections that the server ended. They are not replaced.
	Disconnects int64 `json:"disconnects"`
	// Timeouts are connections given up after Config.ReplyTimeout.
	Timeouts int64 `json:"timeouts"`
}

// Any reports whether anything went wrong.
func (e Errors) Any() bool { return e != Errors{} }

// Progress is the state of a run.
type Progress struct {
	// Elapsed is from the start of the measurement.
	Elapsed time.Duration
	// Messages measured so far, and a second since the last Progress.
	Messages int64
	Rate     float64
	// Latency so far.
	Latency Latency
	// Errors so far. Lost requests are known when their connection has ended.
	Errors Errors
}

func (h *Histogram) latency() Latency {
	return Latency{
		Mean: h.Mean(),
		P50:  h.Quantile(0.5),
		P90:  h.Quantile(0.9),
		P99:  h.Quantile(0.99),
		P999: h.Quantile(0.999),
		Max:  h.Max(),
	}
}
