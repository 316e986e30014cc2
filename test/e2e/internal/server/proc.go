package server

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Processes returns the numbers of all processes that run one of the programs,
// zombies included.
func (b Binaries) Processes() ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		exe, err := os.Readlink(filepath.Join("/proc", e.Name(), "exe"))
		if err == nil && strings.HasPrefix(exe, b.Dir+"/") {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// Processes returns the kernel's process and its children.
func (s *Server) Processes() ([]int, error) {
	pids := []int{s.PID()}
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", s.PID()))
	if err != nil {
		return nil, err
	}
	for _, path := range tasks {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // a thread that has just ended
		}
		for _, word := range strings.Fields(string(text)) {
			pid, err := strconv.Atoi(word)
			if err != nil {
				return nil, err
			}
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// A Usage is what processes hold of the machine, together.
type Usage struct {
	Processes, Threads, Descriptors int
	PSS                             int64 // bytes
}

// Usage returns what the kernel and its children hold.
func (s *Server) Usage() (Usage, error) {
	pids, err := s.Processes()
	if err != nil {
		return Usage{}, err
	}
	u := Usage{Processes: len(pids)}
	for _, pid := range pids {
		pss, err := number(pid, "smaps_rollup", "Pss:")
		if err != nil {
			return Usage{}, err
		}
		threads, err := number(pid, "status", "Threads:")
		if err != nil {
			return Usage{}, err
		}
		fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
		if err != nil {
			return Usage{}, err
		}
		u.PSS += int64(pss) << 10
		u.Threads += threads
		u.Descriptors += len(fds)
	}
	return u, nil
}

// number reads the number behind key in a file of /proc/PID.
func number(pid int, file, key string) (int, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte(key)); ok {
			return strconv.Atoi(string(bytes.Fields(rest)[0]))
		}
	}
	return 0, fmt.Errorf("no %s in %s of process %d", key, file, pid)
}

// goneWithin is how long processes may take to die after their kernel.
const goneWithin = 5 * time.Second

// Survivors says what is left of a server whose kernel has ended: processes,
// unix sockets in use, and files. It gives processes some time to go.
func (s *Server) Survivors() ([]string, error) {
	left, err := s.Living()
	if err != nil {
		return nil, err
	}
	files, err := s.Files()
	return append(left, files...), err
}

// Living is Survivors without the files.
func (s *Server) Living() (left []string, err error) {
	for deadline := time.Now().Add(goneWithin); ; {
		if left, err = s.living(); err != nil || len(left) == 0 || time.Now().After(deadline) {
			return left, err
		}
		<-time.After(poll)
	}
}

func (s *Server) living() ([]string, error) {
	var left []string
	pids, err := s.bins.Processes()
	if err != nil {
		return nil, err
	}
	for _, pid := range pids {
		left = append(left, fmt.Sprintf("process %d", pid))
	}
	sockets, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(sockets)) {
		if strings.Contains(line, s.Dir) {
			left = append(left, "socket "+strings.TrimSpace(line))
		}
	}
	return left, nil
}

// Files lists what is in the directories that the server writes to.
func (s *Server) Files() (found []string, err error) {
	for _, dir := range []string{s.RunDir, filepath.Join(s.Dir, "tmp")} {
		err = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if err == nil && path != dir {
				found = append(found, "file "+path)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}
