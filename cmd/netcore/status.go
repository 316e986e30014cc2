package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/netcore-go/netcore/kernel"
	"github.com/netcore-go/netcore/kernel/admin"
)

func (a *app) statusCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "status", Short: "Show listeners, plugins and counters", Args: cobra.NoArgs}
	return a.clientCommand(cmd, func(ctx context.Context, c *admin.Client, f *clientFlags, _ []string) error {
		s, err := c.Status(ctx)
		if err != nil {
			return err
		}
		return a.print(f.outputFlag, s, func(t *table) { a.drawStatus(t, s) })
	})
}

func (a *app) drawStatus(t *table, s kernel.Status) {
	t.line("netcore %s is %s, process %d, up %s", s.Version, s.State, s.PID, a.span(s.StartTime))
	t.line("connections: %d of %d, %d since the start%s", s.Total.ActiveConnections, s.MaxConnections,
		s.Total.TotalConnections, closedByCause(s.Closed))
	t.line("messages: %d in, %d out; bytes: %d in, %d out; errors: %d", s.Total.MessagesReceived,
		s.Total.MessagesSent, s.Total.BytesReceived, s.Total.BytesSent, s.Total.ErrorCount)
	if s.Total.LastError != "" {
		t.line("last error: %s", s.Total.LastError)
	}
	t.line("")
	t.row("LISTENER", "PROTOCOL", "ADDRESS", "HANDLER", "ACTIVE", "TOTAL", "REFUSED", "DROPPED", "IN", "OUT")
	for _, l := range s.Listeners {
		t.row(l.Name, l.Protocol, l.Address, l.Handler, l.Stats.ActiveConnections, l.Stats.TotalConnections,
			l.Refused, l.Dropped, l.Stats.MessagesReceived, l.Stats.MessagesSent)
	}
	t.line("")
	a.drawPlugins(t, s.Plugins)
}

// closedByCause lists the causes in alphabetical order.
func closedByCause(closed map[string]int64) string {
	var parts []string
	for _, cause := range slices.Sorted(maps.Keys(closed)) {
		if closed[cause] > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", cause, closed[cause]))
		}
	}
	if parts == nil {
		return ""
	}
	return "; closed: " + strings.Join(parts, ", ")
}

// drawPlugins draws a row for each instance, or one for a plugin without any.
func (a *app) drawPlugins(t *table, plugins []kernel.PluginStatus) {
	t.row("PLUGIN", "KIND", "STATE", "INSTANCE", "ROLE", "PID", "CARRIER", "UP", "CONNS", "DEATHS", "SWAPS")
	for _, p := range plugins {
		if len(p.Instances) == 0 {
			t.row(p.Name, p.Kind, p.State, "", "", "", "", "", "", p.Deaths, p.Swaps)
		}
		for _, i := range p.Instances {
			t.row(p.Name, p.Kind, p.State, fmt.Sprintf("%s/%d", i.Version, i.Incarnation), i.Role, i.PID, i.Carrier,
				a.span(i.StartTime), i.Connections, p.Deaths, p.Swaps)
		}
	}
	for _, p := range plugins {
		if p.Reason != "" {
			t.line("%s: %s", p.Name, p.Reason)
		}
	}
}
