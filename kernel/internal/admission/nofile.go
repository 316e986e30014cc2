package admission

import (
	"fmt"
	"math"

	"golang.org/x/sys/unix"
)

// minReserve is the least number of descriptors kept for what is not a
// connection: listeners, links, pidfds, logs, the admin interface.
const minReserve = 64

// DefaultMax returns how many connections fit into a limit on open files. Each
// costs one descriptor in the kernel and one in the protocol plugin's process,
// which has the same limit; a reserve of 5 %, at least 64, stays for the rest.
// Where kernel and plugin share one process, pass half the limit. The result is
// at least 1.
func DefaultMax(limit uint64) int {
	limit = min(limit, math.MaxInt32)
	reserve := max(minReserve, limit/20)
	if limit <= reserve {
		return 1
	}
	return int(limit - reserve)
}

// RaiseNoFile raises this process's soft limit on open files to the hard one and
// returns it. The Go runtime does the same at start but lowers it again for the
// processes that it starts; a limit set here is theirs, too, and plugins need
// it. With an error, the limit returned is the one in force.
func RaiseNoFile() (uint64, error) {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return 0, fmt.Errorf("limit on open files: %w", err)
	}
	was := l.Cur
	l.Cur = l.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return was, fmt.Errorf("raise the limit on open files from %d to %d: %w", was, l.Max, err)
	}
	return l.Cur, nil
}
