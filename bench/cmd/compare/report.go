package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/netcore-go/netcore/internal/load"
)

// A measurement is one server under the load of one cell, once.
type measurement struct {
	server string
	cell   cell
	round  int
	cpu    float64 // seconds a million messages
	load.Result
}

type measurements []measurement

// of returns the measurements of a server in a cell, by round.
func (all measurements) of(server string, c cell) (some measurements) {
	for _, m := range all {
		if m.server == server && m.cell == c {
			some = append(some, m)
		}
	}
	return some
}

// problem says which measurements had errors.
func (all measurements) problem() error {
	var errs []error
	for _, m := range all {
		if m.Errors.Any() || m.Messages == 0 {
			errs = append(errs, fmt.Errorf("%s, %v, round %d: %d messages, %+v %s", m.server, m.cell, m.round+1, m.Messages, m.Errors, m.FirstError))
		}
	}
	return errors.Join(errs...)
}

// figures returns one figure of each measurement.
func (all measurements) figures(f func(measurement) float64) []float64 {
	v := make([]float64, 0, len(all))
	for _, m := range all {
		v = append(v, f(m))
	}
	return v
}

// ratios returns the quotients of a figure, each to the base of the same round.
func (all measurements) ratios(base measurements, f func(measurement) float64) (v []float64) {
	for _, m := range all {
		for _, b := range base {
			if b.round == m.round && f(b) != 0 {
				v = append(v, f(m)/f(b))
			}
		}
	}
	return v
}

func rate(m measurement) float64 { return m.Rate }
func cpu(m measurement) float64  { return m.cpu }
func p50(m measurement) float64  { return float64(m.Latency.P50) / float64(time.Microsecond) }
func p99(m measurement) float64  { return float64(m.Latency.P99) / float64(time.Microsecond) }

// median of v; with an even number the mean of the middle two. v is not empty.
func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	n := len(v)
	return (v[(n-1)/2] + v[n/2]) / 2
}

// report writes the Markdown.
func report(o *options, all measurements, f facts) string {
	var b strings.Builder
	b.WriteString("# Benchmarks\n\nWritten by `make bench`; do not edit.\n\n")
	f.write(&b)
	o.method(&b)
	b.WriteString("\n## Results\n\n")
	b.WriteString("| payload | connections | outstanding | server | msg/s | of stdecho (min-max) | p50 µs | p99 µs | CPU s/M msg | of stdecho |\n")
	b.WriteString("| ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, c := range o.cells() {
		for _, v := range o.servers {
			some := all.of(v.name, c)
			base := all.of(baseline, c)
			fmt.Fprintf(&b, "| %d B | %d | %d | %s | %.0f | %s | %.0f | %.0f | %.2f | %s |\n", c.size, c.conns, c.depth, v.title,
				median(some.figures(rate)), spread(some.ratios(base, rate)), median(some.figures(p50)), median(some.figures(p99)),
				median(some.figures(cpu)), ratio(some.ratios(base, cpu)))
		}
	}
	if err := all.problem(); err != nil {
		fmt.Fprintf(&b, "\n## Errors\n\nThese make the figures worthless:\n\n```\n%v\n```\n", err)
	}
	return b.String()
}

// ratio shows the median; a dash if there was no baseline.
func ratio(v []float64) string {
	if len(v) == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", median(v))
}

// spread shows the median and the range.
func spread(v []float64) string {
	if len(v) < 2 {
		return ratio(v)
	}
	return fmt.Sprintf("%.2f (%.2f-%.2f)", median(v), slices.Min(v), slices.Max(v))
}
