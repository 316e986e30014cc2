package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/netcore-go/netcore/kernel/admin"
)

func (a *app) reloadCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "reload", Short: "Apply the changed configuration file, whole or not at all", Args: cobra.NoArgs,
	}
	return a.clientCommand(cmd, func(ctx context.Context, c *admin.Client, f *clientFlags, _ []string) error {
		if err := c.Reload(ctx); err != nil {
			return err
		}
		return a.done(f.outputFlag, "reloaded")
	})
}

func (a *app) drainCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "drain", Short: "Take no new connections, close each as soon as nothing of it is under way, and end the process", Args: cobra.NoArgs,
	}
	return a.clientCommand(cmd, func(ctx context.Context, c *admin.Client, f *clientFlags, _ []string) error {
		if err := c.Drain(ctx); err != nil {
			return err
		}
		return a.done(f.outputFlag, "drained")
	})
}

func (a *app) stopCommand() *cobra.Command {
	var force, wait bool
	cmd := &cobra.Command{
		Use: "stop", Short: "Drain, then end the process", Args: cobra.NoArgs,
		Long: `Stop makes netcore drain and end, as SIGTERM does, and waits until it has.`,
	}
	cmd.Flags().BoolVar(&force, "force", false, "do not drain: cut all connections off")
	cmd.Flags().BoolVar(&wait, "wait", true, "wait until the process has ended")
	return a.clientCommand(cmd, func(ctx context.Context, c *admin.Client, f *clientFlags, _ []string) error {
		if err := c.Stop(ctx, force); err != nil {
			return err
		}
		if !wait {
			return a.done(f.outputFlag, "stopping")
		}
		if err := gone(ctx, c); err != nil {
			return err
		}
		return a.done(f.outputFlag, "stopped")
	})
}

// gone returns when nobody answers any more.
func gone(ctx context.Context, c *admin.Client) error {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		if _, err := c.Status(ctx); errors.Is(err, admin.ErrNotRunning) {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
