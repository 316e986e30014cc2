package load

import (
	"context"
	"errors"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

var errTimeout = errors.New("no reply within the reply timeout")

// Run makes the load that config describes and returns when it is over: after
// the duration or count, when every outstanding request is answered or given
// up, or when all connections have ended. An error means that the load could
// not be made; what went wrong with it is in Result.Errors.
//
// When ctx ends, Run closes all connections at once and returns what it has
// measured and the cause of ctx; outstanding requests do not count as lost.
func Run(ctx context.Context, config Config) (Result, error) {
	if err := config.Validate(); err != nil {
		return Result{}, err
	}
	cfg := config.withDefaults()
	clients, err := dial(ctx, &cfg)
	if err != nil {
		return Result{}, err
	}
	r := newRun(&cfg, clients)
	if cfg.WarmUp == 0 {
		r.measure()
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	for _, c := range r.conns {
		wg.Go(c.serve)
	}
	go func() { // ends with the connections
		wg.Wait()
		close(done)
	}()
	err = r.control(ctx, done)
	if cfg.Measured != nil {
		cfg.Measured()
	}
	for _, c := range r.conns {
		_ = c.client.Close() // all that it could say was counted
	}
	return r.result(), err
}

// A run is one Run: its connections and what they share.
type run struct {
	cfg    *Config
	conns  []*conn
	hists  []*Histogram // shared by several connections each
	begin  time.Time
	stop   chan struct{} // closed when no new requests are to be sent
	halted atomic.Bool   // stop is closed; cheaper to ask

	// measureFrom is when the measurement begins, by the run's clock.
	measureFrom atomic.Int64

	errors struct{ wrong, lost, reordered, disconnects, timeouts atomic.Int64 }
	first  atomic.Pointer[string] // the first error's text
}

func newRun(cfg *Config, clients []Client) *run {
	r := &run{cfg: cfg, stop: make(chan struct{}), begin: time.Now()}
	r.measureFrom.Store(math.MaxInt64)
	// A histogram for each connection would not fit the cache, one for all
	// would be contended.
	for range min(len(clients), 4*runtime.GOMAXPROCS(0)) {
		r.hists = append(r.hists, new(Histogram))
	}
	pattern := newPattern(cfg.Size)
	for i, client := range clients {
		r.conns = append(r.conns, &conn{
			run:    r,
			client: client,
			stamp:  newStamp(pattern, i, cfg.Size),
			window: newWindow(cfg.Depth),
			hist:   r.hists[i%len(r.hists)],
			pace:   newPacer(cfg.Rate, i, len(clients)),
			buf:    make([]byte, cfg.Size),
			left:   share(cfg.Count, i, len(clients)),
		})
	}
	return r
}

// share is connection i's part of count; negative if there is no bound.
func share(count int64, i, conns int) int64 {
	if count == 0 {
		return -1
	}
	n := count / int64(conns)
	if int64(i) < count%int64(conns) {
		n++
	}
	return n
}

// now is the run's clock, in nanoseconds.
func (r *run) now() int64 { return int64(time.Since(r.begin)) }

func (r *run) stopped() bool { return r.halted.Load() }

func (r *run) measure() {
	r.measureFrom.Store(r.now())
	if r.cfg.Measuring != nil {
		r.cfg.Measuring()
	}
}

func (r *run) halt() {
	if r.halted.CompareAndSwap(false, true) {
		close(r.stop)
	}
}

// note keeps the first error's text.
func (r *run) note(err error) {
	if r.first.Load() == nil {
		text := err.Error()
		r.first.CompareAndSwap(nil, &text)
	}
}

func (r *run) counted() Errors {
	return Errors{
		Lost:        r.errors.lost.Load(),
		Wrong:       r.errors.wrong.Load(),
		Reordered:   r.errors.reordered.Load(),
		Disconnects: r.errors.disconnects.Load(),
		Timeouts:    r.errors.timeouts.Load(),
	}
}

func (r *run) merged() *Histogram {
	all := new(Histogram)
	for _, h := range r.hists {
		all.Merge(h)
	}
	return all
}

// result reads what was measured. All connections have ended.
func (r *run) result() Result {
	all := r.merged()
	res := Result{
		Protocol:    r.cfg.Protocol.Name(),
		Address:     r.cfg.Address,
		Connections: r.cfg.Connections,
		Depth:       r.cfg.Depth,
		Size:        r.cfg.Size,
		Messages:    all.Count(),
		Latency:     all.latency(),
		Errors:      r.counted(),
	}
	if text := r.first.Load(); text != nil {
		res.FirstError = *text
	}
	var last int64
	for _, c := range r.conns {
		last = max(last, c.last)
	}
	if res.Messages > 0 {
		res.Elapsed = max(time.Duration(last-r.measureFrom.Load()), 1)
		res.Rate = float64(res.Messages) / res.Elapsed.Seconds()
	}
	return res
}
