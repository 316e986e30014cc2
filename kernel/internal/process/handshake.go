package process

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/hashicorp/go-plugin"

	pluginpb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// A handshake stands between the process's stdout and go-plugin, which is shown
// the first line, if it is good, and nothing more: it stops reading at a line
// that it thinks too long, and the process would block.
type handshake struct {
	dir  string
	mtls bool
	rest func(line []byte, cut bool) // takes all but the first line
	out  *io.PipeReader              // go-plugin's end
	in   *io.PipeWriter

	mu    sync.Mutex // guards the fields below
	first bool       // the first line was seen
	bad   error      // what is wrong with it
}

func newHandshake(dir string, mtls bool, rest func([]byte, bool)) *handshake {
	r, w := io.Pipe()
	return &handshake{dir: filepath.Clean(dir), mtls: mtls, rest: rest, out: r, in: w}
}

// line takes a line of stdout.
func (h *handshake) line(line []byte, cut bool) {
	h.mu.Lock()
	first := !h.first
	h.first = true
	if first {
		h.bad = h.check(string(line))
	}
	bad := h.bad
	h.mu.Unlock()
	switch {
	case !first:
		h.rest(line, cut)
	case bad != nil:
		h.in.Close()
	default:
		_, _ = fmt.Fprintf(h.in, "%s\n", line)
	}
}

// end says that stdout has ended.
func (h *handshake) end() { h.in.Close() }

// seen reports whether there was a first line.
func (h *handshake) seen() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.first
}

// problem is what was wrong with the first line, nil if it was good or missing.
func (h *handshake) problem() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.bad
}

// check looks at CORE|VERSION|NETWORK|ADDRESS|PROTOCOL|CERTIFICATE.
func (h *handshake) check(line string) error {
	parts := strings.Split(strings.TrimSpace(line), "|")
	if len(parts) < 5 {
		return fmt.Errorf("it wrote %.120q to stdout where the handshake was expected; is it a netcore plugin, and is nothing printed before the handshake?", line)
	}
	switch core, version := strconv.Itoa(plugin.CoreProtocolVersion), strconv.Itoa(pluginpb.ProtocolVersion); {
	case parts[0] != core:
		return fmt.Errorf("it speaks version %s of go-plugin's core protocol, the kernel speaks version %s", parts[0], core)
	case parts[1] != version:
		return fmt.Errorf("it speaks version %s of the plugin contract, the kernel speaks version %s; build the plugin with the SDK of this kernel", parts[1], version)
	case parts[2] != "unix" || filepath.Dir(parts[3]) != h.dir:
		return fmt.Errorf("it listens on %s %s, which is no unix socket in $%s", parts[2], parts[3], plugin.EnvUnixSocketDir)
	case parts[4] != string(plugin.ProtocolGRPC):
		return fmt.Errorf("it speaks %s, the kernel speaks %s", parts[4], plugin.ProtocolGRPC)
	case h.mtls && (len(parts) < 6 || len(parts[5]) <= 50): // go-plugin's own test for a certificate
		return errors.New("it offers no certificate, and mTLS was asked for")
	}
	return nil
}
