package kernel

import (
	"time"

	"github.com/netcore-go/netcore/sdk"
)

// Status is what the whole kernel does right now.
type Status struct {
	// State is "starting", "serving", "draining" or "stopped".
	State     string           `json:"state"`
	Version   string           `json:"version"`
	PID       int              `json:"pid"`
	StartTime time.Time        `json:"start_time"`
	Total     sdk.ServerStats  `json:"total"`
	Listeners []ListenerStatus `json:"listeners"`
	Plugins   []PluginStatus   `json:"plugins"`
	Closed    map[string]int64 `json:"closed"` // connections closed so far, by cause
	// MaxConnections is the bound in force.
	MaxConnections int `json:"max_connections"`
}

// ListenerStatus is one listener's part of a Status.
type ListenerStatus struct {
	Name     string `json:"name"`
	Protocol string `json:"protocol"`
	// Address is the one listened on, with the port that was chosen.
	Address string `json:"address"`
	Handler string `json:"handler"`
	// Refused counts connections that admission turned away.
	Refused int64 `json:"refused"`
	// Dropped counts messages dropped for a full queue.
	Dropped int64           `json:"dropped"`
	Stats   sdk.ServerStats `json:"stats"`
}

// PluginStatus is one slot: a plugin name and its instances.
type PluginStatus struct {
	Name string `json:"name"`
	// Kind is "protocol" or "handler".
	Kind string `json:"kind"`
	// State is the slot's: "starting", "serving", "swapping", "restarting",
	// "quarantined" or "stopped".
	State string `json:"state"`
	// Reason says why the state is what it is, or why the last operation
	// did not succeed; empty if there is nothing to say.
	Reason    string           `json:"reason,omitempty"`
	Path      string           `json:"path,omitempty"`
	Deaths    int64            `json:"deaths"`
	Swaps     int64            `json:"swaps"`
	Instances []InstanceStatus `json:"instances"`
}

// InstanceStatus is one running instance of a plugin.
type InstanceStatus struct {
	Version     string `json:"version"`
	Incarnation uint64 `json:"incarnation"`
	PID         int    `json:"pid,omitempty"`
	Carrier     string `json:"carrier"`
	// Role is "serving", "successor" or "draining".
	Role        string    `json:"role"`
	StartTime   time.Time `json:"start_time"`
	Connections int       `json:"connections"`
	// Stale counts frames dropped because they were late or foreign.
	Stale int64 `json:"stale_frames"`
}

// ConnectionInfo is one connection as conn list shows it.
type ConnectionInfo struct {
	ID          string    `json:"id"`
	Listener    string    `json:"listener"`
	Remote      string    `json:"remote"`
	Local       string    `json:"local"`
	State       string    `json:"state"`
	ConnectedAt time.Time `json:"connected_at"`
	LastActive  time.Time `json:"last_active"`
	Protocol    string    `json:"protocol_instance"`
	Handler     string    `json:"handler_instance"`
	MessagesIn  int64     `json:"messages_in"`
	MessagesOut int64     `json:"messages_out"`
	BytesIn     int64     `json:"bytes_in"`
	BytesOut    int64     `json:"bytes_out"`
	Queued      int       `json:"queued_bytes"`
}

// SwapReport says what a swap or rollback did.
type SwapReport struct {
	Plugin      string `json:"plugin"`
	FromVersion string `json:"from_version"`
	ToVersion   string `json:"to_version"`
	Incarnation uint64 `json:"incarnation"`
	Moved       int    `json:"moved"`
	// Remaining connections stayed with the old instance, which drains: they
	// cannot move, or could not in time.
	Remaining int           `json:"remaining"`
	Duration  time.Duration `json:"duration_ns"`
	// PauseMax and PauseP99 are how long connections stood still.
	PauseMax time.Duration `json:"pause_max_ns"`
	PauseP99 time.Duration `json:"pause_p99_ns"`
}
