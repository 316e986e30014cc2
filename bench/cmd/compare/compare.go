package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/netcore-go/netcore/bench/internal/proctree"
	"github.com/netcore-go/netcore/internal/load"
)

// compare measures all cells and writes the report.
func compare(ctx context.Context, args []string) error {
	o, err := parseOptions(args, os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "ncbench")
	if err != nil {
		return fmt.Errorf("create a directory: %w", err)
	}
	defer os.RemoveAll(dir)
	r := &runner{options: o, dir: dir, setup: setup{built: dir, netcore: o.netcore, plugins: o.plugins}}
	if err := r.build(ctx); err != nil {
		return err
	}
	all, err := r.measureAll(ctx)
	if ctx.Err() != nil {
		return context.Cause(ctx) // the rest follows from it
	}
	if err != nil {
		return err
	}
	text := report(o, all, readFacts())
	fmt.Print(text)
	if o.out != "" {
		if err := os.WriteFile(o.out, []byte(text), 0o644); err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
	}
	return all.problem()
}

// A runner measures.
type runner struct {
	*options
	setup
	dir string
	n   int // processes started, for the names of their directories
}

// build builds the servers of this module that are to be compared.
func (r *runner) build(ctx context.Context) error {
	for _, v := range r.servers {
		if !v.build {
			continue
		}
		cmd := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(r.built, v.name), "github.com/netcore-go/netcore/bench/cmd/"+v.name)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", v.name, err, out)
		}
	}
	return nil
}

// measureAll measures each cell with each server, in each round. The server that
// comes first changes from cell to cell and from round to round.
func (r *runner) measureAll(ctx context.Context) (measurements, error) {
	var all measurements
	cells := r.cells()
	for round := range r.options.rounds {
		for i, c := range cells {
			for j := range r.servers {
				v := r.servers[(i+j+round)%len(r.servers)]
				m, err := r.measure(ctx, v, c)
				if err != nil {
					return nil, fmt.Errorf("%s, %v: %w", v.title, c, err)
				}
				m.round = round
				all = append(all, m)
				fmt.Fprintf(os.Stderr, "round %d/%d  %v  %s: %.0f msg/s\n", round+1, r.options.rounds, c, v.title, m.Rate)
			}
		}
	}
	return all, nil
}

// measure starts v, makes the load of c on it and ends it.
func (r *runner) measure(ctx context.Context, v *variant, c cell) (m measurement, err error) {
	r.n++
	dir := filepath.Join(r.dir, fmt.Sprint(r.n))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return m, fmt.Errorf("create a directory: %w", err)
	}
	s, err := start(ctx, v, r.setup, dir)
	if err != nil {
		return m, err
	}
	defer s.stop()
	var before, after proctree.Sample
	begin := func() (err error) { before, err = s.sample(); return err }
	end := func() (err error) { after, err = s.sample(); return err }
	result, err := s.load(ctx, c, r.options, begin, end)
	if err != nil {
		return m, err
	}
	cpu, err := after.Since(before)
	if err != nil {
		return m, err
	}
	return newMeasurement(v, c, result, cpu), nil
}

func newMeasurement(v *variant, c cell, r load.Result, cpu time.Duration) measurement {
	m := measurement{server: v.name, cell: c, Result: r}
	if r.Messages > 0 {
		m.cpu = cpu.Seconds() / float64(r.Messages) * 1e6
	}
	return m
}
