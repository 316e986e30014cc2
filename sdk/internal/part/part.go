// Package part is what the three runtimes of a plugin (streamhost, nethost,
// handlerhost) have in common.
package part

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"

	"github.com/netcore-go/netcore/sdk/link"
)

// Descriptors is where the descriptors of OPEN, OFFER and LISTEN arrive, in the
// order of those frames.
type Descriptors interface {
	// Receive returns the next descriptor, close-on-exec and owned by the
	// caller. It does not wait.
	Receive() (fd int, err error)
}

// Env is what a part runs in.
type Env struct {
	Link        *link.Link
	Descriptors Descriptors
	Log         *slog.Logger
}

// A Part serves one plugin's side of a link.
type Part interface {
	// Handle acts on one frame. It is called by the link's reader and must not
	// wait. An error is a violation of the contract by the kernel, and ends
	// the plugin.
	Handle(f *link.Frame) error
	// EndBatch is called when no more frames have arrived; the part flushes
	// what those since its last call have caused.
	EndBatch()
	// Connections is how many connections the part holds.
	Connections() int
	// Close lets go of all connections, without a word to their peers, and
	// returns when every goroutine of the part has ended. It is called after
	// the link has ended.
	Close()
}

// Addr is an address as OPEN and BIND write it: "network|address".
type Addr struct{ network, address string }

// Network returns "tcp", "udp" or "unix".
func (a Addr) Network() string { return a.network }

func (a Addr) String() string { return a.address }

// ParseAddr turns the contract's form of an address into the net package's
// type for it where there is one.
func ParseAddr(s string) net.Addr {
	network, address, ok := strings.Cut(s, "|")
	if !ok {
		return Addr{"unknown", s}
	}
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return Addr{network, address}
	}
	switch network {
	case "tcp":
		return net.TCPAddrFromAddrPort(ap)
	case "udp":
		return net.UDPAddrFromAddrPort(ap)
	}
	return Addr{network, address}
}

// FormatAddr is the inverse of ParseAddr.
func FormatAddr(a net.Addr) string {
	if a == nil {
		return ""
	}
	return fmt.Sprintf("%s|%s", a.Network(), a.String())
}
