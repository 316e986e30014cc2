package kernel

import (
	"cmp"
	"os"
	"slices"
	"time"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/link"
)

// Status returns what the kernel does right now.
func (k *Kernel) Status() Status {
	s := Status{
		State: stageNames[k.stage.Load()], Version: k.version, PID: os.Getpid(), StartTime: k.start,
		Closed: make(map[string]int64), MaxConnections: k.maxConnections(),
		Total: sdk.ServerStats{StartTime: k.start, Uptime: int64(time.Since(k.start) / time.Second)},
	}
	listeners := k.allListeners()
	shown := make(map[*stats]*listener) // of those that share their stats, the last that is open
	for _, l := range listeners {
		if o := shown[l.stats]; o == nil || o.closed.Load() || !l.closed.Load() {
			shown[l.stats] = l
		}
	}
	for _, l := range listeners {
		if shown[l.stats] != l {
			continue
		}
		l.stats.addTo(&s.Total)
		if !l.closed.Load() || l.stats.active.Load() > 0 {
			s.Listeners = append(s.Listeners, l.status())
		}
	}
	for cause := range k.closed {
		if n := k.closed[cause].Load(); n > 0 {
			s.Closed[link.CauseName(link.Cause(cause))] = n
		}
	}
	for _, slot := range k.allSlots() {
		s.Plugins = append(s.Plugins, slot.status())
	}
	slices.SortFunc(s.Plugins, func(a, b PluginStatus) int {
		return cmp.Or(cmp.Compare(b.Kind, a.Kind), cmp.Compare(a.Name, b.Name))
	})
	return s
}

func (k *Kernel) maxConnections() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.cfg.MaxConnections
}

func (l *listener) status() ListenerStatus {
	return ListenerStatus{
		Name: l.Name, Protocol: l.Protocol, Address: l.address.String(), Handler: l.Handler,
		Refused: l.stats.refused.Load(), Dropped: l.stats.dropped.Load(), Stats: l.stats.snapshot(),
	}
}

func (s *slot) status() PluginStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := PluginStatus{
		Name: s.name, Kind: "handler", State: s.state.Mode.String(), Reason: s.state.Reason,
		Path: s.state.Binary.Path, Deaths: s.state.Deaths, Swaps: s.state.Swaps,
	}
	if s.protocol {
		p.Kind = "protocol"
	}
	for inc, in := range s.instances {
		role := "draining"
		switch inc {
		case s.state.Serving.Inc:
			role = "serving"
		case s.state.Next.Inc:
			role = "successor"
		}
		p.Instances = append(p.Instances, InstanceStatus{
			Version: in.manifest.Version, Incarnation: inc, PID: in.host.pid(), Carrier: string(in.carrier), Role: role,
			StartTime: in.started, Connections: int(in.conns.Load()), Stale: in.stale.Load(),
		})
	}
	slices.SortFunc(p.Instances, func(a, b InstanceStatus) int { return cmp.Compare(a.Incarnation, b.Incarnation) })
	return p
}

// Connections returns the connections of a listener, or of all if listener is
// empty, oldest first; at most limit if that is not zero.
func (k *Kernel) Connections(limit int, listener string) []ConnectionInfo {
	var all []ConnectionInfo
	k.conns.All(func(_ uint64, c *conn) bool {
		if listener == "" || c.l.Name == listener {
			all = append(all, c.info())
		}
		return true
	})
	slices.SortFunc(all, func(a, b ConnectionInfo) int {
		return cmp.Or(a.ConnectedAt.Compare(b.ConnectedAt), cmp.Compare(a.ID, b.ID))
	})
	if limit > 0 && len(all) > limit {
		all = all[:limit]
	}
	return all
}

func (c *conn) info() ConnectionInfo {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := ConnectionInfo{
		ID: link.FormatID(c.id), Listener: c.l.Name, Remote: c.remote.String(), Local: c.local.String(), State: c.station().String(),
		ConnectedAt: c.accepted, LastActive: time.Unix(0, c.active.Load()),
		MessagesIn: c.received, MessagesOut: c.sent, BytesIn: int64(c.end), BytesOut: int64(c.written), Queued: c.out.Bytes(),
	}
	if c.owner != nil {
		i.Protocol = c.owner.String()
	}
	if c.handler != nil {
		i.Handler = c.handler.String()
	}
	return i
}

// station is the connection's state in the seed's terms. c.mu is held.
func (c *conn) station() sdk.ConnectionState {
	switch {
	case c.done && c.cause != link.CauseNone:
		return sdk.StateError
	case c.done:
		return sdk.StateDisconnected
	case c.ending():
		return sdk.StateDisconnecting
	case c.tie == tieNone && !c.opened:
		return sdk.StateConnecting
	}
	return sdk.StateConnected
}
