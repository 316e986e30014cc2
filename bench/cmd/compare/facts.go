package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// facts are what must be known of the machine to read the figures.
type facts struct {
	cpu, kernel, goVersion, load string
	cores                        int
}

func readFacts() facts {
	return facts{
		cpu:       cpuModel(readText("/proc/cpuinfo")),
		cores:     runtime.NumCPU(),
		kernel:    readText("/proc/sys/kernel/osrelease"),
		goVersion: runtime.Version(),
		load:      readText("/proc/loadavg"),
	}
}

// readText returns a file's text, or says that it is unknown: the report is
// worth having without it.
func readText(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(b))
}

func cpuModel(cpuinfo string) string {
	for line := range strings.Lines(cpuinfo) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func (f facts) write(b *strings.Builder) {
	fmt.Fprintf(b, "## Machine\n\n- CPU: %s, %d cores\n- Linux %s\n- %s\n- /proc/loadavg at the end: %s\n", f.cpu, f.cores, f.kernel, f.goVersion, f.load)
}

// method says how it was measured.
func (o *options) method(b *strings.Builder) {
	fmt.Fprintf(b, `
## Method

- length32 echo over loopback tcp. Each cell starts each server as a fresh process, loads it for %v, then measures for %v.
  The servers take turns within a cell. Rounds: %d.
- A closed loop: each connection always has its number of requests outstanding, and the content and order of every reply are checked.
- The generator is a process of its own, but it shares the machine's %d cores with the server. That presses the
  ratios of throughput towards 1: the CPU time is the fairer figure.
- CPU s/M msg is user and system time of all the server's processes (netcore: the kernel and both plugins) for a million messages.
- Figures are medians over the rounds. Ratios are medians of the quotients to stdecho in the same round, with their range.
- stdecho: a goroutine per connection on package net, read and write buffers of 16 KiB, flushed when no whole request is buffered.
- gnetecho: gnet v2.9.7, multicore; all whole requests of a read are answered with one write.
`, o.warmUp, o.duration, o.rounds, runtime.NumCPU())
}
