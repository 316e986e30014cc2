package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/netcore-go/netcore/kernel"
	"github.com/netcore-go/netcore/kernel/admin"
)

func (a *app) connCommand() *cobra.Command {
	return group("conn", "List or close connections", a.connListCommand(), a.connCloseCommand())
}

func (a *app) connListCommand() *cobra.Command {
	var limit int
	var listener string
	cmd := &cobra.Command{Use: "list", Short: "List connections", Args: cobra.NoArgs}
	cmd.Flags().IntVar(&limit, "limit", 100, fmt.Sprintf("how many at most, up to %d", admin.MaxConnections))
	cmd.Flags().StringVar(&listener, "listener", "", "only those of this listener")
	complete := func(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return a.completions(cmd, listenerNames), cobra.ShellCompDirectiveNoFileComp
	}
	if err := cmd.RegisterFlagCompletionFunc("listener", complete); err != nil {
		panic(err) // the flag is there, a few lines above
	}
	return a.clientCommand(cmd, func(ctx context.Context, c *admin.Client, f *clientFlags, _ []string) error {
		if limit < 1 || limit > admin.MaxConnections {
			return fmt.Errorf("limit is %d, want 1 to %d", limit, admin.MaxConnections)
		}
		conns, err := c.Connections(ctx, limit, listener)
		if err != nil {
			return err
		}
		return a.print(f.outputFlag, conns, func(t *table) { a.drawConnections(t, conns) })
	})
}

func (a *app) drawConnections(t *table, conns []kernel.ConnectionInfo) {
	t.row("ID", "LISTENER", "REMOTE", "STATE", "AGE", "IDLE", "IN", "OUT", "QUEUED", "PROTOCOL", "HANDLER")
	for _, c := range conns {
		t.row(c.ID, c.Listener, c.Remote, c.State, a.span(c.ConnectedAt), a.span(c.LastActive),
			c.MessagesIn, c.MessagesOut, c.Queued, c.Protocol, c.Handler)
	}
}

func (a *app) connCloseCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "close ID", Short: "Close a connection", Args: cobra.ExactArgs(1)}
	a.completeOne(cmd, connectionIDs)
	return a.clientCommand(cmd, func(ctx context.Context, c *admin.Client, f *clientFlags, args []string) error {
		if err := c.CloseConnection(ctx, args[0]); err != nil {
			return err
		}
		return a.done(f.outputFlag, "closed")
	})
}
