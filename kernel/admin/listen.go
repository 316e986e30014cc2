package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
)

const (
	socketName = "admin.sock"
	// maxSocketPath is what sockaddr_un holds, without the final zero.
	maxSocketPath = 107
)

// ErrRunning: another netcore answers on the socket.
var ErrRunning = errors.New("another netcore runs with this run_dir")

// SocketPath is where the netcore with the given run_dir listens.
func SocketPath(runDir string) string { return filepath.Join(runDir, socketName) }

// Listen listens on the admin socket of a run_dir, which must exist and belong
// to the user. It removes a socket that a dead netcore has left. If one is
// alive, the error is ErrRunning.
//
// A lock on the directory is held until the listener is closed, so that of two
// processes that start at once only one takes the socket from the dead. A file
// to lock would be left behind: whoever removes it may remove the next one's.
func Listen(runDir string) (net.Listener, error) {
	path := SocketPath(runDir)
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("run_dir %s is too long: a socket's path has at most %d bytes", runDir, maxSocketPath)
	}
	lock, err := takeLock(runDir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", runDir, err)
	}
	l, err := listenSocket(path)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &lockedListener{Listener: l, lock: lock}, nil
}

func takeLock(path string) (*os.File, error) {
	lock, err := os.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrRunning
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return lock, nil
}

func listenSocket(path string) (net.Listener, error) {
	if err := removeStale(path); err != nil {
		return nil, err
	}
	// The mode of a socket that is not yet bound becomes that of its file: there
	// is no moment at which it is open to others.
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var chmod error
		err := c.Control(func(fd uintptr) { chmod = syscall.Fchmod(int(fd), 0o600) })
		return cmp.Or(err, chmod)
	}}
	l, err := config.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, fmt.Errorf("run_dir: %w", err)
	}
	return l, nil
}

// removeStale removes a socket on which nobody answers.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode()&fs.ModeSocket == 0:
		return fmt.Errorf("%s is in the way: it is no socket", path)
	}
	conn, err := net.Dial("unix", path)
	switch {
	case err == nil:
		conn.Close()
		return fmt.Errorf("%s: %w", filepath.Dir(path), ErrRunning)
	case !errors.Is(err, syscall.ECONNREFUSED):
		return err
	}
	return os.Remove(path)
}

// A lockedListener releases its lock after the socket is gone.
type lockedListener struct {
	net.Listener
	lock *os.File
}

func (l *lockedListener) Close() error {
	return errors.Join(l.Listener.Close(), l.lock.Close())
}
