package main

import (
	"context"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/netcore-go/netcore/kernel"
	"github.com/netcore-go/netcore/kernel/admin"
)

func (a *app) pluginCommand() *cobra.Command {
	return group("plugin", "List plugins, or let one out of quarantine", a.pluginListCommand(), a.pluginResetCommand())
}

func (a *app) pluginListCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List plugins and their instances", Args: cobra.NoArgs}
	return a.clientCommand(cmd, func(ctx context.Context, c *admin.Client, f *clientFlags, _ []string) error {
		plugins, err := c.Plugins(ctx)
		if err != nil {
			return err
		}
		return a.print(f.outputFlag, plugins, func(t *table) { a.drawPlugins(t, plugins) })
	})
}

func (a *app) pluginResetCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "reset NAME", Short: "Start a quarantined plugin again", Args: cobra.ExactArgs(1)}
	a.completeOne(cmd, pluginNames)
	return a.clientCommand(cmd, func(ctx context.Context, c *admin.Client, f *clientFlags, args []string) error {
		if err := c.Reset(ctx, args[0]); err != nil {
			return err
		}
		return a.done(f.outputFlag, "reset")
	})
}

func (a *app) swapCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use: "swap PLUGIN", Short: "Replace a plugin while its connections stay",
		Long: `Swap starts a new instance of the plugin beside the one that serves, moves all
connections to it, and ends the old one. If the new instance does not start,
nothing else has happened, and the exit status is 1.`,
		Args: cobra.ExactArgs(1),
	}
	cmd.Flags().StringVar(&path, "path", "", "executable of the new instance (default: the path that it has, read again)")
	a.completeOne(cmd, pluginNames)
	return a.clientCommand(cmd, func(ctx context.Context, c *admin.Client, f *clientFlags, args []string) error {
		file, err := a.absolute(path)
		if err != nil {
			return err
		}
		return a.reportSwap(f.outputFlag)(c.Swap(ctx, args[0], file))
	})
}

func (a *app) rollbackCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "rollback PLUGIN", Short: "Swap a plugin back to the version before the last swap",
		Args: cobra.ExactArgs(1),
	}
	a.completeOne(cmd, pluginNames)
	return a.clientCommand(cmd, func(ctx context.Context, c *admin.Client, f *clientFlags, args []string) error {
		return a.reportSwap(f.outputFlag)(c.Rollback(ctx, args[0]))
	})
}

// reportSwap prints the results of a swap, which it takes as they are returned.
func (a *app) reportSwap(o outputFlag) func(kernel.SwapReport, error) error {
	return func(r kernel.SwapReport, err error) error {
		if err != nil {
			return err
		}
		return a.print(o, r, func(t *table) {
			t.line("%s: %s is now %s, instance %d, after %s", r.Plugin, r.FromVersion, r.ToVersion, r.Incarnation, round(r.Duration))
			t.line("moved: %d, standing still for %s (99%%) and %s (all)", r.Moved, round(r.PauseP99), round(r.PauseMax))
			t.line("left with the old instance, which drains: %d", r.Remaining)
		})
	}
}

// absolute is path for a process with another working directory.
func (a *app) absolute(path string) (string, error) {
	if path == "" || filepath.IsAbs(path) {
		return path, nil
	}
	place, err := a.place()
	return filepath.Join(place.WorkDir, path), err
}
