package kernel_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/netcore-go/netcore/kernel"
)

// What a kernel that was killed has left of an instance is removed by the next
// one; other things in the directory are not its own.
func TestLeftOversAreSwept(t *testing.T) {
	var dir string
	start(t, process, func(c *kernel.Config, _ *rig) {
		dir = c.RunDir
		for name := range c.Plugins {
			must(t, os.MkdirAll(filepath.Join(dir, name+".17", "plugin-dir1"), 0o700))
		}
		must(t, os.MkdirAll(filepath.Join(dir, "somebody.17"), 0o700))
	})
	left, err := filepath.Glob(filepath.Join(dir, "*.17"))
	must(t, err)
	if len(left) != 1 || filepath.Base(left[0]) != "somebody.17" {
		t.Errorf("left over: %v, want somebody.17 alone", left)
	}
	must(t, os.Remove(filepath.Join(dir, "somebody.17")))
}
