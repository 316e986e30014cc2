package proctree

import "time"

// Parse returns what a line of /proc/PID/stat says.
func Parse(line string) (pid, parent int, cpu time.Duration, start uint64, err error) {
	p, err := parse(line)
	return p.pid, p.parent, p.cpu, p.start, err
}
