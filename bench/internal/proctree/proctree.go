// Package proctree reads how much CPU time a process and its descendants used.
package proctree

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of /proc/PID/stat on Linux, where USER_HZ is 100 on all
// architectures that Go supports.
const tick = time.Second / 100

// A process is a line of /proc/PID/stat.
type process struct {
	pid, parent int
	start       uint64 // together with pid, unique
	cpu         time.Duration
	dead        bool // it has ended and waits for its parent to notice
}

// A Sample is the CPU time of a process tree at one moment, by process.
type Sample map[ID]time.Duration

// An ID names a process for as long as the machine runs.
type ID struct {
	PID   int
	Start uint64
}

// Read samples the process root and all its living descendants.
func Read(root int) (Sample, error) {
	all, err := list()
	if err != nil {
		return nil, err
	}
	s := make(Sample)
	children := make(map[int][]process)
	for _, p := range all {
		children[p.parent] = append(children[p.parent], p)
		if p.pid == root {
			s[p.id()] = p.cpu
		}
	}
	if len(s) == 0 {
		return nil, fmt.Errorf("process %d does not exist", root)
	}
	s.add(children, root)
	return s, nil
}

func (s Sample) add(children map[int][]process, parent int) {
	for _, p := range children[parent] {
		s[p.id()] = p.cpu
		s.add(children, p.pid)
	}
}

func (p process) id() ID { return ID{p.pid, p.start} }

// Since is the CPU time that the tree used since the earlier sample. It is an
// error if a process of that sample is gone, since its time is then unknown.
func (s Sample) Since(earlier Sample) (time.Duration, error) {
	var d time.Duration
	for id, cpu := range s {
		d += cpu - earlier[id]
	}
	for id := range earlier {
		if _, ok := s[id]; !ok {
			return 0, fmt.Errorf("process %d ended", id.PID)
		}
	}
	return d, nil
}

func list() ([]process, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var all []process
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err != nil {
			continue
		}
		b, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue // it has ended since
		}
		p, err := parse(string(b))
		if err != nil {
			return nil, fmt.Errorf("process %s: %w", e.Name(), err)
		}
		if !p.dead {
			all = append(all, p)
		}
	}
	return all, nil
}

// parse reads a line of /proc/PID/stat. The second field, the name in
// parentheses, may hold spaces and parentheses itself.
func parse(line string) (process, error) {
	open, end := strings.IndexByte(line, '('), strings.LastIndexByte(line, ')')
	if open < 0 || end < open {
		return process{}, fmt.Errorf("parse stat %q: no name", line)
	}
	// fields[0] is field 3, the state.
	fields := strings.Fields(line[end+1:])
	if len(fields) < 20 {
		return process{}, fmt.Errorf("parse stat %q: %d fields", line, len(fields))
	}
	var n [5]uint64
	for i, s := range []string{strings.TrimSpace(line[:open]), fields[1], fields[11], fields[12], fields[19]} {
		v, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			return process{}, fmt.Errorf("parse stat: %w", err)
		}
		n[i] = v
	}
	return process{
		pid:    int(n[0]),
		parent: int(n[1]),
		cpu:    time.Duration(n[2]+n[3]) * tick,
		start:  n[4],
		dead:   fields[0] == "Z" || fields[0] == "X",
	}, nil
}

// Alive reports whether the process still runs.
func (id ID) Alive() bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(id.PID) + "/stat")
	if err != nil {
		return false
	}
	p, err := parse(string(b))
	return err == nil && p.start == id.Start && !p.dead
}
