package load_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/netcore-go/netcore/internal/load"
)

func TestRunCount(t *testing.T) {
	for _, tt := range []struct{ conns, depth, size, count int }{
		{1, 1, 64, 100},
		{1, 1, 1, 1000},
		{1, 127, 1, 5000},
		{3, 16, 2, 1000},
		{7, 5, 7, 1001},
		{2, 3, 8, 500},
		{2, 3, 15, 500},
		{50, 16, 1024, 5000},
		{2, 4, 100_000, 40},  // larger than the buffers, two goroutines
		{1, 1, 3_000_000, 3}, // larger than the sockets
		{5, 2, 64, 3},        // some connections have nothing to do
	} {
		t.Run(fmt.Sprintf("%+v", tt), func(t *testing.T) {
			got, err := load.Run(t.Context(), load.Config{
				Address:     serve(t, func() script { return echo }),
				Connections: tt.conns, Depth: tt.depth, Size: tt.size, Count: int64(tt.count),
			})
			if err != nil {
				t.Fatal(err)
			}
			if got.Messages != int64(tt.count) || got.Errors.Any() {
				t.Errorf("Run() = %d messages, %+v %s, want %d and no errors", got.Messages, got.Errors, got.FirstError, tt.count)
			}
			l := got.Latency
			if got.Rate <= 0 || l.P50 <= 0 || l.P50 > l.P90 || l.P90 > l.P99 || l.P99 > l.P999 || l.P999 > l.Max {
				t.Errorf("Run() = rate %v, latency %+v", got.Rate, l)
			}
		})
	}
}

func TestRunErrors(t *testing.T) {
	const depth, count = 4, 100
	var held []byte
	for _, tt := range []struct {
		name   string
		script script
		want   load.Errors
		rest   int64 // messages that went well
	}{
		{"wrong content", func(n int, p []byte) ([][]byte, bool) {
			if n == 10 {
				p[len(p)-1] ^= 1
			}
			return [][]byte{p}, true
		}, load.Errors{Wrong: 1}, 99},
		{"wrong length", func(n int, p []byte) ([][]byte, bool) {
			if n == 10 {
				p = p[:len(p)-1]
			}
			return [][]byte{p}, true
		}, load.Errors{Wrong: 1}, 99},
		{"never sent", func(n int, p []byte) ([][]byte, bool) {
			if n == 10 {
				clear(p)
			}
			return [][]byte{p}, true
		}, load.Errors{Wrong: 1}, 99},
		{"twice", func(n int, p []byte) ([][]byte, bool) {
			if n == 10 {
				return [][]byte{p, p}, true
			}
			return [][]byte{p}, true
		}, load.Errors{Wrong: 1}, 100},
		{"swapped", func(n int, p []byte) ([][]byte, bool) {
			switch n {
			case 10:
				held = p
				return nil, true
			case 11:
				return [][]byte{p, held}, true
			}
			return [][]byte{p}, true
		}, load.Errors{Reordered: 1}, 100},
		{"dropped", func(n int, p []byte) ([][]byte, bool) {
			if n == 10 {
				return nil, true
			}
			return [][]byte{p}, true
		}, load.Errors{Lost: 1, Timeouts: 1}, 13},
		{"silent", func(int, []byte) ([][]byte, bool) { return nil, true },
			load.Errors{Lost: depth, Timeouts: 1}, 0},
		{"hang up", func(n int, p []byte) ([][]byte, bool) { return [][]byte{p}, n < 10 },
			load.Errors{Lost: depth, Disconnects: 1}, 11},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := load.Run(t.Context(), load.Config{
				Address: serve(t, func() script { return tt.script }),
				Depth:   depth, Count: count, ReplyTimeout: 200 * time.Millisecond,
			})
			if err != nil {
				t.Fatal(err)
			}
			if got.Errors != tt.want || got.Messages != tt.rest {
				t.Errorf("Run() = %d messages, %+v, want %d, %+v", got.Messages, got.Errors, tt.rest, tt.want)
			}
			if ended := tt.want.Timeouts+tt.want.Disconnects > 0; ended != (got.FirstError != "") {
				t.Errorf("first error %q with %+v", got.FirstError, got.Errors)
			}
		})
	}
}

func TestRunMalformed(t *testing.T) {
	got, err := load.Run(t.Context(), load.Config{Address: rawServer(t, "HTTP/1.1 400 Bad Request\r\n\r\n"), Count: 1})
	if want := (load.Errors{Wrong: 1, Lost: 1}); err != nil || got.Errors != want {
		t.Errorf("Run() = %+v, %v, want %+v", got.Errors, err, want)
	}
}

func TestRunRate(t *testing.T) {
	var calls string
	got, err := load.Run(t.Context(), load.Config{
		Address:     serve(t, func() script { return echo }),
		Connections: 4, Depth: 8, Rate: 1000, WarmUp: 100 * time.Millisecond, Duration: 500 * time.Millisecond,
		Measuring: func() { calls += "measuring " },
		Measured:  func() { calls += "measured" },
	})
	if err != nil || got.Errors.Any() {
		t.Fatalf("Run() = %+v, %v", got.Errors, err)
	}
	if got.Messages < 300 || got.Messages > 510 {
		t.Errorf("Run() = %d messages in half a second at 1000/s", got.Messages)
	}
	if calls != "measuring measured" {
		t.Errorf("calls %q", calls)
	}
}

// A server that stands still is charged for the requests that waited behind the
// slow one, not only for the one.
func TestRunRateChargesQueue(t *testing.T) {
	const pause = 300 * time.Millisecond
	got, err := load.Run(t.Context(), load.Config{
		Address: serve(t, func() script {
			return func(n int, p []byte) ([][]byte, bool) {
				if n == 20 {
					<-time.After(pause)
				}
				return [][]byte{p}, true
			}
		}),
		Rate: 200, Count: 100,
	})
	if err != nil || got.Errors.Any() {
		t.Fatalf("Run() = %+v, %v", got.Errors, err)
	}
	// 60 of the 100 requests were due in the pause.
	if got.Latency.P90 < pause/2 || got.Latency.Max < pause {
		t.Errorf("latency %+v, want the pause of %v in P90", got.Latency, pause)
	}
}

func TestRunRateWithDeadServer(t *testing.T) {
	got, err := load.Run(t.Context(), load.Config{
		Address: serve(t, func() script {
			return func(n int, p []byte) ([][]byte, bool) { return [][]byte{p}, n < 2 }
		}),
		Connections: 2, Rate: 1000, Count: 100_000,
	})
	if err != nil || got.Errors.Disconnects != 2 {
		t.Errorf("Run() = %+v, %v, want 2 disconnects", got.Errors, err)
	}
}

func TestRunCancel(t *testing.T) {
	stop := errors.New("stop")
	for _, rate := range []float64{0, 10} {
		ctx, cancel := context.WithCancelCause(t.Context())
		got, err := load.Run(ctx, load.Config{
			Address:     serve(t, func() script { return echo }),
			Connections: 5, Depth: 2, Rate: rate, Duration: time.Hour,
			Progress: func(p load.Progress) {
				if p.Messages > 0 && p.Rate > 0 {
					cancel(stop)
				}
			},
		})
		if !errors.Is(err, stop) || got.Messages == 0 || got.Errors.Any() {
			t.Errorf("Run() at rate %v = %d messages, %+v, %v, want %v", rate, got.Messages, got.Errors, err, stop)
		}
	}
}

func TestRunRefused(t *testing.T) {
	if _, err := load.Run(t.Context(), load.Config{Address: "127.0.0.1:1", Connections: 200}); err == nil {
		t.Error("Run() on a closed port = nil, want an error")
	}
}

// A reply to another connection with the same sequence number is wrong, even in
// the smallest payload that has room to show it.
func TestRunMixedConnections(t *testing.T) {
	var mu sync.Mutex
	first := make(map[int][]byte)
	address := serve(t, func() script {
		return func(n int, p []byte) ([][]byte, bool) {
			mu.Lock()
			defer mu.Unlock()
			if _, ok := first[n]; !ok {
				first[n] = p
			}
			return [][]byte{first[n]}, true
		}
	})
	got, err := load.Run(t.Context(), load.Config{Address: address, Connections: 2, Size: 16, Count: 100})
	if want := (load.Errors{Wrong: 50}); err != nil || got.Errors != want || got.Messages != 50 {
		t.Errorf("Run() = %d messages, %+v, %v, want 50, %+v", got.Messages, got.Errors, err, want)
	}
}
