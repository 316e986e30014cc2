package admin

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/netcore-go/netcore/kernel"
	"github.com/netcore-go/netcore/sdk"
)

const (
	defaultConnections = 100
	// MaxConnections is the largest limit of one list of connections.
	MaxConnections = 10_000
)

// Stats is what has passed through the kernel.
type Stats struct {
	Total     sdk.ServerStats            `json:"total"`
	Listeners map[string]sdk.ServerStats `json:"listeners"`
	Closed    map[string]int64           `json:"closed"`
}

type pluginsBody struct {
	Plugins []kernel.PluginStatus `json:"plugins"`
}

type connectionsBody struct {
	Connections []kernel.ConnectionInfo `json:"connections"`
}

func (s *Server) status(w http.ResponseWriter, _ *http.Request) {
	answer(w, s.Kernel.Status())
}

func (s *Server) plugins(w http.ResponseWriter, _ *http.Request) {
	answer(w, pluginsBody{Plugins: orEmpty(s.Kernel.Status().Plugins)})
}

func (s *Server) stats(w http.ResponseWriter, _ *http.Request) {
	status := s.Kernel.Status()
	stats := Stats{Total: status.Total, Closed: status.Closed, Listeners: map[string]sdk.ServerStats{}}
	for _, l := range status.Listeners {
		stats.Listeners[l.Name] = l.Stats
	}
	answer(w, stats)
}

func (s *Server) connections(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	limit := defaultConnections
	if text := query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > MaxConnections {
			fail(w, CodeInvalid, http.StatusBadRequest, fmt.Sprintf("limit is %q, want 1 to %d", text, MaxConnections))
			return
		}
		limit = n
	}
	listener := query.Get("listener")
	known := func(l kernel.ListenerStatus) bool { return l.Name == listener }
	if listener != "" && !slices.ContainsFunc(s.Kernel.Status().Listeners, known) {
		fail(w, CodeUnknown, http.StatusNotFound, fmt.Sprintf("there is no listener %q", listener))
		return
	}
	answer(w, connectionsBody{Connections: orEmpty(s.Kernel.Connections(limit, listener))})
}

// orEmpty makes an empty JSON list out of nil.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
