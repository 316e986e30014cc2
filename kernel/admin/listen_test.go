package admin_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netcore-go/netcore/kernel/admin"
)

func TestListenMode(t *testing.T) {
	dir := shortDir(t)
	l := listen(t, dir)
	info, err := os.Stat(admin.SocketPath(dir))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket has mode %v, %v, want 0600", info.Mode().Perm(), err)
	}
	closeListener(t, l)
	if _, err := os.Stat(admin.SocketPath(dir)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
	closeListener(t, listen(t, dir))
}

func TestListenRunning(t *testing.T) {
	dir := shortDir(t)
	l := listen(t, dir)
	if _, err := admin.Listen(dir); !errors.Is(err, admin.ErrRunning) {
		t.Errorf("second Listen() = %v, want ErrRunning", err)
	}
	closeListener(t, l)
}

// TestListenForeign has somebody on the socket who holds no lock.
func TestListenForeign(t *testing.T) {
	dir := shortDir(t)
	l, err := net.Listen("unix", admin.SocketPath(dir))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Listen(dir); !errors.Is(err, admin.ErrRunning) {
		t.Errorf("Listen() = %v, want ErrRunning", err)
	}
	closeListener(t, l)
}

func TestListenStale(t *testing.T) {
	dir := shortDir(t)
	l, err := net.Listen("unix", admin.SocketPath(dir))
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	closeListener(t, l)
	closeListener(t, listen(t, dir))
}

func TestListenErrors(t *testing.T) {
	blocked := shortDir(t)
	if err := os.WriteFile(admin.SocketPath(blocked), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, dir, want string }{
		{"file in the way", blocked, "is in the way"},
		{"no directory", filepath.Join(blocked, "none"), "no such file"},
		{"long path", "/" + strings.Repeat("d", 100), "too long"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := admin.Listen(tt.dir); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Listen() = %v, want %q in it", err, tt.want)
			}
		})
	}
}

func listen(t *testing.T, dir string) net.Listener {
	t.Helper()
	l, err := admin.Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func closeListener(t *testing.T, l net.Listener) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Errorf("Close() = %v", err)
	}
}
