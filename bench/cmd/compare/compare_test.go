package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// The test binary is the generator too, as compare is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == generateCommand {
		if err := generate(context.Background(), os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

func TestCompare(t *testing.T) {
	runtime.LockOSThread() // as main does, and for the same reason
	defer runtime.UnlockOSThread()
	out := filepath.Join(t.TempDir(), "benchmarks.md")
	err := compare(t.Context(), []string{"-servers", "stdecho,gnetecho", "-sizes", "64", "-connections", "5", "-depths", "2",
		"-rounds", "2", "-duration", "100ms", "-warm-up", "10ms", "-out", out})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| 64 B | 5 | 2 | stdecho |", "| 64 B | 5 | 2 | gnetecho |", "1.00 (1.00-1.00)", runtime.Version()} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the report has no %q:\n%s", want, text)
		}
	}
}

func TestCompareServerThatFails(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	netcore := filepath.Join(t.TempDir(), "netcore")
	if err := os.WriteFile(netcore, []byte("#!/bin/sh\necho out of order; exit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	err := compare(t.Context(), []string{"-servers", "netcore", "-netcore", netcore, "-quick"})
	if err == nil || !strings.Contains(err.Error(), "out of order") {
		t.Errorf("compare = %v, want what the server said", err)
	}
}

func TestParseOptions(t *testing.T) {
	for _, tt := range []struct {
		args  []string
		cells int
		ok    bool
	}{
		{nil, 12, true},
		{[]string{"-sizes", "1,2,3", "-depths", "4"}, 9, true},
		{[]string{"-sizes", "0"}, 0, false},
		{[]string{"-sizes", "x"}, 0, false},
		{[]string{"-servers", "apache"}, 0, false},
		{[]string{"-rounds", "0"}, 0, false},
		{[]string{"more"}, 0, false},
	} {
		o, err := parseOptions(tt.args, io.Discard)
		if (err == nil) != tt.ok || tt.ok && len(o.cells()) != tt.cells {
			t.Errorf("parseOptions(%q) = %+v, %v, want %d cells, ok %v", tt.args, o, err, tt.cells, tt.ok)
		}
	}
}

func TestNetcoreCommand(t *testing.T) {
	dir := t.TempDir()
	args, err := netcoreCommand(setup{netcore: "/n/netcore", plugins: "/n/plugins"}, "127.0.0.1:9", dir)
	config := filepath.Join(dir, "netcore.yaml")
	if want := []string{"/n/netcore", "run", "-c", config}; err != nil || !slices.Equal(args, want) {
		t.Errorf("netcoreCommand() = %q, %v, want %q", args, err, want)
	}
	text, err := os.ReadFile(config)
	if want := `address: "127.0.0.1:9"`; err != nil || !strings.Contains(string(text), want) {
		t.Errorf("configuration %q, %v, want %q in it", text, err, want)
	}
}

func TestFollow(t *testing.T) {
	nothing := func() error { return nil }
	for _, tt := range []struct {
		in string
		ok bool
	}{
		{"measuring\nmeasured\n{\"messages\":3}\n", true},
		{"measuring\n{}\n", false},
		{"measuring\nmeasured\n", false},
		{"", false},
	} {
		r, err := follow(strings.NewReader(tt.in), nothing, nothing)
		if (err == nil) != tt.ok || tt.ok && r.Messages != 3 {
			t.Errorf("follow(%q) = %+v, %v, want ok %v", tt.in, r, err, tt.ok)
		}
	}
}

// Ratios are taken within a round: both servers were twice as fast in the
// second, and the ratio does not move.
func TestReport(t *testing.T) {
	c := cell{64, 1, 1}
	var all measurements
	for round, speed := range []float64{100, 200, 400} {
		for i, name := range []string{"stdecho", "gnetecho"} {
			m := measurement{server: name, cell: c, round: round, cpu: float64(1 + i)}
			m.Messages, m.Rate, m.Latency.P50 = 1, speed*float64(1+i), time.Duration(speed)*time.Microsecond
			all = append(all, m)
		}
	}
	o, err := parseOptions([]string{"-servers", "stdecho,gnetecho", "-sizes", "64", "-connections", "1", "-depths", "1"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	text := report(o, all, facts{cpu: "abacus"})
	for _, want := range []string{
		"| 64 B | 1 | 1 | stdecho | 200 | 1.00 (1.00-1.00) | 200 | 0 | 1.00 | 1.00 |",
		"| 64 B | 1 | 1 | gnetecho | 400 | 2.00 (2.00-2.00) | 200 | 0 | 2.00 | 2.00 |",
		"- CPU: abacus",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the report has no %q:\n%s", want, text)
		}
	}
	all[0].Errors.Lost = 7
	if all.problem() == nil || !strings.Contains(report(o, all, facts{}), "worthless") {
		t.Error("a report with lost messages does not say so")
	}
}

func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		in   []float64
		want float64
	}{{[]float64{3}, 3}, {[]float64{1, 9}, 5}, {[]float64{9, 1, 2}, 2}} {
		if got := median(tt.in); got != tt.want {
			t.Errorf("median(%v) = %v, want %v", tt.in, got, tt.want)
		}
	}
}
