package kernel

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"

	"github.com/netcore-go/netcore/kernel/internal/process"
	fsm "github.com/netcore-go/netcore/kernel/internal/slot"
)

// An image is a plugin's executable as it was when it was asked for. The file
// stays open, so that a restart and a rollback run the same bytes, whatever is
// at the path by then.
type image struct {
	path string
	file *os.File // nil for a plugin in this process
	sum  string
}

// loadImage opens an executable and checks its hash, if one is wanted.
func loadImage(path, want string) (*image, error) {
	f, err := process.Open(path, want)
	if err != nil {
		return nil, fmt.Errorf("plugin %s: %w", path, err)
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, 1<<62)); err != nil {
		f.Close()
		return nil, fmt.Errorf("plugin %s: %w", path, err)
	}
	return &image{path: path, file: f, sum: hex.EncodeToString(h.Sum(nil))}, nil
}

// binary names the image in the slot's state machine.
func (im *image) binary() fsm.Binary {
	if im.file == nil {
		return fsm.Binary{Version: "in process"}
	}
	return fsm.Binary{Path: im.path, Version: im.sum[:12]}
}

func (im *image) close() {
	if im.file != nil {
		im.file.Close()
	}
}
