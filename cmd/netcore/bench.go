package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/netcore-go/netcore/internal/load"
)

const benchLong = `Bench makes load on an echo server and checks every reply.

It opens connections to ADDRESS (127.0.0.1:7001 or tcp://127.0.0.1:7001, length32
framing), keeps --depth requests outstanding on each, and prints the rate and the
latency of the replies. With --rate it sends that many requests a second over all
connections, and latency runs from the moment a request was due.

This is real load: without --rate it is as much as the server and this machine
can bear. Do not point it at a server that others depend on.

The exit status is 1 if any reply was lost, wrong or out of order, or if a
connection was lost.`

// newBenchCommand returns "netcore bench".
func newBenchCommand() *cobra.Command {
	var b benchFlags
	cmd := &cobra.Command{
		Use:     "bench ADDRESS",
		Short:   "Make load on an echo server and check every reply",
		Long:    benchLong,
		Example: "  netcore bench 127.0.0.1:7001 -n 100 -d 30s --depth 16",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cmd.SilenceUsage = true // what follows is no mistake in the flags
			return b.run(cmd, args[0])
		},
	}
	f := cmd.Flags()
	f.IntVarP(&b.config.Connections, "connections", "n", 50, "connections to hold open")
	f.DurationVarP(&b.config.Duration, "duration", "d", 10*time.Second, "how long to send")
	f.IntVar(&b.config.Depth, "depth", 1, "outstanding requests on each connection")
	f.IntVar(&b.config.Size, "size", 64, "payload size in bytes")
	f.Float64Var(&b.config.Rate, "rate", 0, "requests a second over all connections (0: as fast as possible)")
	f.StringVarP(&b.output, "output", "o", "table", "output format: table or json")
	return cmd
}

// benchFlags are the flags of "netcore bench".
type benchFlags struct {
	config load.Config
	output string
}

func (b *benchFlags) run(cmd *cobra.Command, target string) error {
	write := writeBenchTable
	switch b.output {
	case "table":
	case "json":
		write = writeBenchJSON
	default:
		return fmt.Errorf("output is %q, want table or json", b.output)
	}
	for _, f := range [...]struct {
		name string
		n    int
	}{{"connections", b.config.Connections}, {"depth", b.config.Depth}, {"size", b.config.Size}} {
		if f.n < 1 { // load takes 0 for a default
			return fmt.Errorf("%s is %d, want at least 1", f.name, f.n)
		}
	}
	var err error
	if b.config.Protocol, b.config.Address, err = load.ParseAddress(target); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p := benchProgress{w: cmd.ErrOrStderr(), terminal: benchTerminal(cmd.ErrOrStderr())}
	b.config.Progress = p.show
	result, err := load.Run(ctx, b.config)
	p.end()
	if err != nil && !(errors.Is(err, context.Canceled) && result.Messages > 0) {
		return err
	}
	if err := write(cmd.OutOrStdout(), result); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return benchError(result)
}

// benchError says what went wrong, nil if nothing did.
func benchError(r load.Result) error {
	if !r.Errors.Any() {
		return nil
	}
	text := benchErrors(r.Errors)
	if r.FirstError != "" {
		text += "; first error: " + r.FirstError
	}
	return errors.New(text)
}

func benchErrors(e load.Errors) string {
	return fmt.Sprintf("%d lost, %d wrong, %d reordered, %d disconnects, %d timeouts",
		e.Lost, e.Wrong, e.Reordered, e.Disconnects, e.Timeouts)
}

func writeBenchJSON(w io.Writer, r load.Result) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

func writeBenchTable(w io.Writer, r load.Result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(t, name+"\t"+format+"\n", args...) }
	row("target", "%s://%s", r.Protocol, r.Address)
	row("load", "%d connections, %d outstanding each, %d bytes", r.Connections, r.Depth, r.Size)
	row("messages", "%d in %v", r.Messages, r.Elapsed.Round(time.Millisecond))
	row("rate", "%.0f msg/s", r.Rate)
	l := r.Latency
	row("latency p50", "%v", benchRound(l.P50))
	row("latency p90", "%v", benchRound(l.P90))
	row("latency p99", "%v", benchRound(l.P99))
	row("latency p99.9", "%v", benchRound(l.P999))
	row("latency max", "%v", benchRound(l.Max))
	row("errors", "%s", benchErrors(r.Errors))
	return t.Flush()
}

// benchRound leaves three or four digits, which is what the histogram knows.
func benchRound(d time.Duration) time.Duration {
	unit := time.Duration(1)
	for d/unit >= 10_000 {
		unit *= 10
	}
	return d.Round(unit)
}

// benchProgress prints one line a second; on a terminal each replaces the last.
type benchProgress struct {
	w        io.Writer
	terminal bool
	open     bool // the cursor stands behind a line
}

func (b *benchProgress) show(p load.Progress) {
	line := fmt.Sprintf("%4.0fs  %9.0f msg/s  p50 %v  p99 %v", p.Elapsed.Seconds(), p.Rate, benchRound(p.Latency.P50), benchRound(p.Latency.P99))
	if p.Errors.Any() {
		line += "  " + benchErrors(p.Errors)
	}
	if !b.terminal {
		fmt.Fprintln(b.w, line)
		return
	}
	fmt.Fprintf(b.w, "\r\033[K%s", line)
	b.open = true
}

func (b *benchProgress) end() {
	if b.open {
		fmt.Fprintln(b.w)
	}
}

// benchTerminal reports whether w is a terminal.
func benchTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	raw, err := f.SyscallConn() // Fd would make the file blocking
	if err != nil {
		return false
	}
	var terminal bool
	err = raw.Control(func(fd uintptr) {
		_, err := unix.IoctlGetTermios(int(fd), unix.TCGETS)
		terminal = err == nil
	})
	return err == nil && terminal
}
