package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/netcore-go/netcore/cmd/netcore/internal/config"
	"github.com/netcore-go/netcore/kernel/admin"
)

// clientFlags say which running netcore a verb means, and how to print.
type clientFlags struct {
	outputFlag
	runDir string
	config string
}

func (f *clientFlags) add(cmd *cobra.Command) {
	f.outputFlag.add(cmd)
	cmd.Flags().StringVar(&f.runDir, "run-dir", "", "run_dir of the netcore that is meant")
	cmd.Flags().StringVarP(&f.config, "config", "c", "", "configuration file whose run_dir is meant")
	if err := cmd.MarkFlagDirname("run-dir"); err != nil {
		panic(err) // the flag is there, three lines above
	}
	cmd.MarkFlagsMutuallyExclusive("run-dir", "config")
}

// client returns the client for the flags, without connecting.
func (a *app) client(f *clientFlags) (*admin.Client, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	if f.runDir != "" {
		return admin.NewClient(f.runDir), nil
	}
	place, err := a.place()
	if err != nil {
		return nil, err
	}
	dir, err := config.RunDir(config.Source{Path: f.config, Place: place})
	if err != nil {
		return nil, err
	}
	return admin.NewClient(dir), nil
}

// clientCommand returns a verb that asks a running netcore.
func (a *app) clientCommand(cmd *cobra.Command, do func(ctx context.Context, c *admin.Client, f *clientFlags, args []string) error) *cobra.Command {
	var f clientFlags
	f.add(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := a.client(&f)
		if err != nil {
			return err
		}
		return do(cmd.Context(), c, &f, args)
	}
	return cmd
}

// completionTimeout bounds how long a shell waits for names.
const completionTimeout = time.Second

// completeOne completes the verb's one argument with the names that list
// returns. A netcore that does not answer has none.
func (a *app) completeOne(cmd *cobra.Command, list func(context.Context, *admin.Client) []cobra.Completion) *cobra.Command {
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return a.completions(cmd, list), cobra.ShellCompDirectiveNoFileComp
	}
	return cmd
}

func (a *app) completions(cmd *cobra.Command, list func(context.Context, *admin.Client) []cobra.Completion) []cobra.Completion {
	f := clientFlags{outputFlag: outputFlag{"table"}}
	f.runDir, _ = cmd.Flags().GetString("run-dir") // an error means that the verb has no such flag
	f.config, _ = cmd.Flags().GetString("config")
	c, err := a.client(&f)
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), completionTimeout)
	defer cancel()
	return list(ctx, c)
}

func pluginNames(ctx context.Context, c *admin.Client) []cobra.Completion {
	plugins, err := c.Plugins(ctx)
	if err != nil {
		return nil
	}
	var out []cobra.Completion
	for _, p := range plugins {
		out = append(out, cobra.CompletionWithDesc(p.Name, p.Kind+", "+p.State))
	}
	return out
}

func listenerNames(ctx context.Context, c *admin.Client) []cobra.Completion {
	status, err := c.Status(ctx)
	if err != nil {
		return nil
	}
	var out []cobra.Completion
	for _, l := range status.Listeners {
		out = append(out, cobra.CompletionWithDesc(l.Name, l.Protocol+" "+l.Address))
	}
	return out
}

func connectionIDs(ctx context.Context, c *admin.Client) []cobra.Completion {
	conns, err := c.Connections(ctx, 0, "")
	if err != nil {
		return nil
	}
	var out []cobra.Completion
	for _, conn := range conns {
		out = append(out, cobra.CompletionWithDesc(conn.ID, conn.Listener+" "+conn.Remote))
	}
	return out
}
