package admission

import (
	"net/netip"
	"sync"
)

// A Reason says which bound turned a connection away, for counters and logs.
type Reason string

// The reasons, in the order in which the bounds are looked at.
const (
	Admitted     Reason = ""
	FullServer   Reason = "max_connections"
	FullListener Reason = "listener_max_connections"
	FullSource   Reason = "per_source"
)

// Limits are the bounds of one listener.
type Limits struct {
	// Max bounds the listener's connections. If zero, no bound of its own.
	Max int
	// PerSource bounds the listener's connections from one source: an IPv4
	// address, or the first 64 bits of an IPv6 address, since that is what
	// one customer is given. If zero, no bound.
	PerSource int
}

// A Gate counts connections. Its methods may be called from any goroutine: one
// mutex guards all of it, held for two map operations at most. It remembers a
// source only while the source has connections on a listener that bounds them.
type Gate struct {
	max int

	mu        sync.Mutex // guards the fields below and in listeners
	listeners []*listener
	total     int
}

type listener struct {
	limits  Limits
	count   int
	sources map[netip.Addr]int
}

// New returns a gate for the given listeners, which Admit and Release name by
// their index. max bounds all of them together; if zero, there is no such bound.
func New(max int, listeners ...Limits) *Gate {
	g := &Gate{max: max}
	for i, l := range listeners {
		g.Set(i, l)
	}
	return g
}

// Set gives a listener new bounds, which hold for those that come; or adds one,
// whose index is the number of listeners so far.
func (g *Gate) Set(index int, limits Limits) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if index == len(g.listeners) {
		g.listeners = append(g.listeners, &listener{sources: make(map[netip.Addr]int)})
	}
	g.listeners[index].limits = limits
}

// Admit counts a connection if there is room for it; otherwise it says what was
// full and counts nothing. Each Admit that returned true is followed by one
// Release with the same arguments. An addr that is no IP address (a unix
// socket's) has no source to be bounded.
func (g *Gate) Admit(index int, addr netip.Addr) (ok bool, why Reason) {
	src := Source(addr)
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.listeners[index]
	bySource := l.limits.PerSource > 0 && src.IsValid()
	switch {
	case g.max > 0 && g.total >= g.max:
		return false, FullServer
	case l.limits.Max > 0 && l.count >= l.limits.Max:
		return false, FullListener
	case bySource && l.sources[src] >= l.limits.PerSource:
		return false, FullSource
	}
	g.total++
	l.count++
	if bySource {
		l.sources[src]++
	}
	return true, Admitted
}

// Release takes back an Admit that returned true. A Release too many is ignored:
// it would make room that is not there.
func (g *Gate) Release(index int, addr netip.Addr) {
	src := Source(addr)
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.listeners[index]
	if l.count == 0 {
		return
	}
	g.total--
	l.count--
	switch n := l.sources[src]; {
	case n > 1:
		l.sources[src] = n - 1
	case n == 1:
		delete(l.sources, src)
	}
}

// Counts returns how many connections are admitted, how many of them on the
// listener, and how many sources are remembered for it.
func (g *Gate) Counts(index int) (total, listener, sources int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.listeners[index]
	return g.total, l.count, len(l.sources)
}

// Source returns what PerSource counts addr under: the IPv4 address, also if it
// came mapped into IPv6, or the IPv6 /64. The zero Addr has none.
func Source(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if !addr.Is6() {
		return addr
	}
	p, err := addr.Prefix(64)
	if err != nil {
		return netip.Addr{}
	}
	return p.Addr()
}
