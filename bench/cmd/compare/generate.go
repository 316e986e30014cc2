package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/netcore-go/netcore/internal/load"
)

// generateCommand is the hidden subcommand that is the load generator. It
// prints two marks as lines, when the measurement begins and when it is over,
// and then the result as a line of JSON.
const (
	generateCommand = "generate"
	markBegin       = "measuring"
	markEnd         = "measured"
)

func generate(ctx context.Context, args []string) error {
	var c load.Config
	f := flag.NewFlagSet(generateCommand, flag.ContinueOnError)
	f.StringVar(&c.Address, "address", "", "")
	f.IntVar(&c.Size, "size", 0, "")
	f.IntVar(&c.Connections, "connections", 0, "")
	f.IntVar(&c.Depth, "depth", 0, "")
	f.DurationVar(&c.Duration, "duration", 0, "")
	f.DurationVar(&c.WarmUp, "warm-up", 0, "")
	if err := f.Parse(args[1:]); err != nil {
		return err
	}
	c.Measuring = func() { fmt.Println(markBegin) }
	c.Measured = func() { fmt.Println(markEnd) }
	r, err := load.Run(ctx, c)
	if ctx.Err() != nil {
		return nil // compare has ended it
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

// load makes the load of one cell on s in a process of its own, and calls begin
// and end at the marks.
func (s *server) load(ctx context.Context, c cell, o *options, begin, end func() error) (r load.Result, err error) {
	self, err := os.Executable()
	if err != nil {
		return r, fmt.Errorf("find the generator: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, o.warmUp+o.duration+time.Minute)
	defer cancel()
	cmd := command(ctx, []string{self, generateCommand, "-address", s.address,
		"-size", strconv.Itoa(c.size), "-connections", strconv.Itoa(c.conns), "-depth", strconv.Itoa(c.depth),
		"-duration", o.duration.String(), "-warm-up", o.warmUp.String()})
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return r, fmt.Errorf("pipe: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return r, fmt.Errorf("start the generator: %w", err)
	}
	r, err = follow(out, begin, end)
	if err != nil {
		cancel()
	}
	if waitErr := cmd.Wait(); err == nil && waitErr != nil {
		err = fmt.Errorf("generator: %w", waitErr)
	}
	return r, err
}

// follow reads what the generator prints.
func follow(out io.Reader, begin, end func() error) (r load.Result, err error) {
	lines := bufio.NewReader(out)
	for _, step := range []struct {
		mark string
		act  func() error
	}{{markBegin, begin}, {markEnd, end}} {
		line, err := lines.ReadString('\n')
		if err != nil || line != step.mark+"\n" {
			return r, fmt.Errorf("generator printed %q instead of %q", line, step.mark)
		}
		if err := step.act(); err != nil {
			return r, err
		}
	}
	if err := json.NewDecoder(lines).Decode(&r); err != nil {
		return r, fmt.Errorf("generator's result: %w", err)
	}
	return r, nil
}
