package kernel_test

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/plugin"
)

// The test binary is its own plugins: roleVar says which, and the file named by
// lieVar, which of the lies it tells ("" or none for an honest plugin).
const (
	roleVar   = "KERNEL_TEST_ROLE"
	lieVar    = "KERNEL_TEST_LIE"
	eventsVar = "KERNEL_TEST_EVENTS"
)

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVar); role != "" {
		runRole(role)
		return
	}
	goleak.VerifyTestMain(m)
}

func runRole(role string) {
	name := tail()
	if b, err := os.ReadFile(os.Getenv(lieVar)); err == nil && name == "" {
		name = strings.TrimSpace(string(b))
	}
	p := honest(role)
	if name != "" {
		runLiar(p, name)
		return
	}
	plugin.Main(p)
}

func honest(role string) sdk.Plugin {
	s := &script{events: os.Getenv(eventsVar)}
	switch role {
	case "handler":
		return sdk.Plugin{Name: "script", Version: "1", Handler: s}
	case "forgetful":
		return sdk.Plugin{Name: "script", Version: "1", Handler: forgetful{s}}
	}
	return sdk.Plugin{Name: "frames", Version: "1", Stream: frames{}}
}

// tailMark precedes the name of a lie at the end of a copy of the test binary:
// a binary of its own, with a hash of its own.
const tailMark = "\x00kernel-test-lie:"

func tail() string {
	f, err := os.Open("/proc/self/exe")
	if err != nil {
		return ""
	}
	defer f.Close()
	end := make([]byte, 128)
	if _, err := f.Seek(-int64(len(end)), io.SeekEnd); err != nil {
		return ""
	}
	if _, err := io.ReadFull(f, end); err != nil {
		return ""
	}
	_, name, _ := bytes.Cut(end, []byte(tailMark))
	return string(name)
}

// binaryWith returns a copy of the test binary that tells that lie.
func binaryWith(t *testing.T, name string) string {
	t.Helper()
	src, err := os.Open(self(t))
	must(t, err)
	defer src.Close()
	path := t.TempDir() + "/netcore-" + name
	dst, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o755)
	must(t, err)
	_, err = io.Copy(dst, src)
	must(t, err)
	_, err = dst.WriteString(strings.Repeat("\x00", 128) + tailMark + name)
	must(t, err)
	must(t, dst.Close())
	return path
}

func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	must(t, err)
	return path
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
