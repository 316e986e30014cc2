package process

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// open returns the executable to run, which the caller closes.
func (s *Spec) open() (*os.File, error) {
	if s.Executable == nil {
		return Open(s.Path, s.SHA256)
	}
	fd, err := unix.FcntlInt(s.Executable.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("duplicate: %w", err)
	}
	return os.NewFile(uintptr(fd), s.Path), nil
}

// Open opens an executable and checks what it has opened, so that the file that
// is checked is the file that runs. An empty sum is not compared.
func Open(path, sum string) (*os.File, error) {
	// O_NONBLOCK: opening a FIFO must not wait for its writer.
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	f := os.NewFile(uintptr(fd), path)
	if err := checkMode(fd); err != nil {
		f.Close()
		return nil, err
	}
	if sum != "" {
		if err := checkSum(f, sum); err != nil {
			f.Close()
			return nil, err
		}
	}
	return f, nil
}

// checkMode refuses what is no program, and a program that another user could
// rewrite. A group that is our own is not another user: where each user has a
// group, the umask is often 002.
func checkMode(fd int) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("stat: %w", err)
	}
	othersGroup := st.Gid != 0 && int(st.Gid) != os.Getegid()
	switch {
	case st.Mode&unix.S_IFMT == unix.S_IFDIR:
		return errors.New("is a directory")
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return errors.New("is not a regular file")
	case st.Mode&0o111 == 0:
		return errors.New("is not executable; chmod +x makes it so")
	case st.Mode&0o002 != 0, st.Mode&0o020 != 0 && othersGroup:
		return fmt.Errorf("mode %04o lets other users rewrite it; chmod go-w takes that away", st.Mode&0o7777)
	}
	return nil
}

func checkSum(f *os.File, want string) error {
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("hash: %w", err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != strings.ToLower(want) {
		return fmt.Errorf("sha256 is %s, want %s", got, strings.ToLower(want))
	}
	return nil
}
