package load

import (
	"errors"
	"fmt"
	"time"
)

// Config says what load to make. Only Address must be set.
type Config struct {
	// Protocol to speak. If nil, TCP.
	Protocol Protocol
	// Address is host:port.
	Address string
	// Connections held open. If zero, 1.
	Connections int
	// Depth is how many requests of a connection are outstanding. If zero, 1.
	Depth int
	// Size of each payload in bytes. If zero, 64.
	Size int
	// WarmUp precedes the measurement; its requests are checked, not measured.
	// If zero, none.
	WarmUp time.Duration
	// Duration of the measurement. If zero, it ends with Count; if that is
	// zero too, 10 seconds.
	Duration time.Duration
	// Count of requests to measure, over all connections. If zero, no bound.
	Count int64
	// Rate is the number of requests a second over all connections. If zero,
	// as fast as possible.
	Rate float64
	// ReplyTimeout gives a connection up on which requests are outstanding and
	// nothing comes back for that long. If zero, 5 seconds.
	ReplyTimeout time.Duration
	// Dials is how many connections are set up at once. If zero, 64.
	Dials int
	// Measuring, if not nil, is called by Run when the measurement begins.
	Measuring func()
	// Measured, if not nil, is called by Run when the last reply is there; most
	// connections are still open, so that what their end costs a server can be
	// told apart.
	Measured func()
	// Progress, if not nil, is called by Run once a second of measurement.
	Progress func(Progress)
}

// Validate reports the first field that is wrong.
func (c *Config) Validate() error {
	d := c.withDefaults()
	switch {
	case d.Address == "":
		return errors.New("address is empty")
	case d.Connections < 0:
		return fmt.Errorf("connections is %d", d.Connections)
	case d.Size < 0 || d.Size > maxReply:
		return fmt.Errorf("size is %d, want 1 to %d", d.Size, maxReply)
	case d.Depth < 0 || d.Depth > maxDepth(d.Size):
		return fmt.Errorf("depth is %d, want 1 to %d with size %d", d.Depth, maxDepth(d.Size), d.Size)
	case d.WarmUp < 0 || d.Duration < 0 || d.ReplyTimeout < 0:
		return errors.New("a duration is negative")
	case d.Count < 0 || !(d.Rate >= 0) || d.Dials < 0:
		return errors.New("count, rate or dials is negative")
	}
	return nil
}

// maxDepth keeps outstanding sequence numbers apart in payloads too short for
// the whole number.
func maxDepth(size int) int {
	if size == 1 {
		return 127
	}
	return 32767
}

func (c *Config) withDefaults() Config {
	d := *c
	if d.Protocol == nil {
		d.Protocol = TCP{}
	}
	d.Connections = or(d.Connections, 1)
	d.Depth = or(d.Depth, 1)
	d.Size = or(d.Size, 64)
	d.ReplyTimeout = or(d.ReplyTimeout, 5*time.Second)
	d.Dials = or(d.Dials, 64)
	if d.Count == 0 {
		d.Duration = or(d.Duration, 10*time.Second)
	}
	return d
}

// or is v, or the default where v is zero.
func or[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}
