package process

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// A child is a process that this one has forked. Its pidfd, not its number, is
// what it is known by.
type child struct {
	pid   int
	pidfd *os.File
}

// fork executes path with the given descriptors as 0, 1, 2, …, in a process
// group of its own, so that a Ctrl-C on the terminal does not reach it. The
// child is killed when the calling thread ends.
func fork(path string, argv, env []string, files []int) (*child, error) {
	fds := make([]uintptr, len(files))
	for i, fd := range files {
		fds[i] = uintptr(fd)
	}
	pidfd := -1
	pid, _, err := syscall.StartProcess(path, argv, &syscall.ProcAttr{
		Env:   env,
		Files: fds,
		Sys:   &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, PidFD: &pidfd},
	})
	if err != nil {
		return nil, fmt.Errorf("exec: %w", err)
	}
	if pidfd < 0 {
		_ = syscall.Kill(pid, syscall.SIGKILL)
		reap(pid)
		return nil, errors.New("exec: this Linux has no pidfd; 5.4 or later is needed")
	}
	// Non-blocking, so that os waits for it in its poller, without a thread.
	_ = unix.SetNonblock(pidfd, true)
	return &child{pid: pid, pidfd: os.NewFile(uintptr(pidfd), "pidfd")}, nil
}

// signal sends sig, or does nothing if the process has been reaped.
func (c *child) signal(sig syscall.Signal) {
	rc, err := c.pidfd.SyscallConn()
	if err != nil {
		return
	}
	_ = rc.Control(func(fd uintptr) { _ = unix.PidfdSendSignal(int(fd), sig, nil, 0) })
}

// wait returns when the process has ended, what was left of its process group
// has been killed, and it has been reaped. It is called once.
func (c *child) wait() syscall.WaitStatus {
	c.waitEnd()
	// Not reaped yet, it still holds the number of its group: nobody else can
	// be hit.
	_ = unix.Kill(-c.pid, unix.SIGKILL)
	ws := reap(c.pid)
	c.pidfd.Close()
	return ws
}

// waitEnd returns when the process has ended, and does not reap it.
func (c *child) waitEnd() {
	if rc, err := c.pidfd.SyscallConn(); err == nil {
		err = rc.Read(func(fd uintptr) bool { return ended(int(fd)) })
		if err == nil {
			return
		}
	}
	// The pidfd cannot be polled: wait in a thread.
	for unix.Waitid(unix.P_PID, c.pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
}

// ended reports whether the process of a pidfd has ended. An error other than
// "not yet" means that there is nothing to wait for.
func ended(pidfd int) bool {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PIDFD, pidfd, &info, unix.WEXITED|unix.WNOWAIT|unix.WNOHANG, nil)
	switch err {
	case nil:
		return info.Signo != 0
	case unix.EAGAIN, unix.EINTR:
		return false
	}
	return true
}

func reap(pid int) (ws syscall.WaitStatus) {
	for {
		if _, err := syscall.Wait4(pid, &ws, 0, nil); err != syscall.EINTR {
			return ws
		}
	}
}
