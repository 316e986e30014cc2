package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// options are compare's flags.
type options struct {
	netcore  string
	plugins  string
	servers  []*variant
	sizes    []int
	conns    []int
	depths   []int
	rounds   int
	duration time.Duration
	warmUp   time.Duration
	out      string
}

func parseOptions(args []string, stderr io.Writer) (*options, error) {
	o := &options{servers: variants, sizes: []int{64, 1024}, conns: []int{1, 50, 500}, depths: []int{1, 16}}
	f := flag.NewFlagSet("compare", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.netcore, "netcore", "../bin/netcore", "the netcore binary")
	f.StringVar(&o.plugins, "plugins", "", "directory of netcore's plugins (default: plugins beside the binary)")
	f.Func("servers", "servers to compare, of "+names(variants)+" (default all)", o.setServers)
	f.Func("sizes", "payload sizes in bytes (default 64,1024)", setInts(&o.sizes))
	f.Func("connections", "numbers of connections (default 1,50,500)", setInts(&o.conns))
	f.Func("depths", "numbers of outstanding requests a connection (default 1,16)", setInts(&o.depths))
	f.IntVar(&o.rounds, "rounds", 3, "rounds; the medians over them are shown")
	f.DurationVar(&o.duration, "duration", 2*time.Second, "measurement of one cell")
	f.DurationVar(&o.warmUp, "warm-up", 500*time.Millisecond, "load before the measurement of one cell")
	f.StringVar(&o.out, "out", "", "file to write the Markdown to, besides standard output")
	quick := f.Bool("quick", false, "one round of 500 ms a cell: to see that it works, not to compare")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("unknown argument %q", f.Arg(0))
	}
	if *quick {
		o.rounds, o.duration, o.warmUp = 1, 500*time.Millisecond, 200*time.Millisecond
	}
	return o, o.complete()
}

// complete checks the options and makes paths absolute.
func (o *options) complete() error {
	if o.rounds < 1 || o.duration <= 0 || o.warmUp < 0 {
		return errors.New("rounds and duration must be positive")
	}
	if o.plugins == "" {
		o.plugins = filepath.Join(filepath.Dir(o.netcore), "plugins")
	}
	var err error
	if o.netcore, err = filepath.Abs(o.netcore); err != nil {
		return err
	}
	o.plugins, err = filepath.Abs(o.plugins)
	return err
}

func (o *options) setServers(list string) error {
	o.servers = nil
	for name := range strings.SplitSeq(list, ",") {
		i := slices.IndexFunc(variants, func(v *variant) bool { return v.name == name })
		if i < 0 {
			return fmt.Errorf("unknown server %q, want some of %s", name, names(variants))
		}
		o.servers = append(o.servers, variants[i])
	}
	return nil
}

func setInts(dst *[]int) func(string) error {
	return func(list string) error {
		*dst = nil
		for s := range strings.SplitSeq(list, ",") {
			n, err := strconv.Atoi(s)
			if err != nil || n < 1 {
				return fmt.Errorf("%q is no positive number", s)
			}
			*dst = append(*dst, n)
		}
		return nil
	}
}

// A cell is one kind of load.
type cell struct{ size, conns, depth int }

func (c cell) String() string {
	return fmt.Sprintf("%d B, %d connections, %d outstanding", c.size, c.conns, c.depth)
}

func (o *options) cells() (all []cell) {
	for _, size := range o.sizes {
		for _, conns := range o.conns {
			for _, depth := range o.depths {
				all = append(all, cell{size, conns, depth})
			}
		}
	}
	return all
}
