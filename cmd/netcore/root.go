package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/netcore-go/netcore/cmd/netcore/internal/config"
)

const rootLong = `netcore holds network connections while everything behind them is replaced.

netcore run serves; all other verbs speak to a running netcore through the socket
admin.sock in its run_dir, or check files.`

// rootCommand returns netcore with all its verbs.
func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "netcore",
		Short:         "A server whose plugins are replaced while clients stay connected",
		Long:          rootLong,
		Version:       buildVersion(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())
	})
	root.AddCommand(
		a.runCommand(), a.validateCommand(), a.configCommand(), a.versionCommand(),
		a.statusCommand(), a.reloadCommand(), a.drainCommand(), a.stopCommand(),
		a.swapCommand(), a.rollbackCommand(), a.pluginCommand(), a.connCommand(),
		newBenchCommand(),
	)
	return root
}

// group returns a verb that only has verbs below it.
func group(use, short string, verbs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return errors.Join(cmd.Help(), fmt.Errorf("%s needs one of its commands", cmd.CommandPath()))
		},
	}
	cmd.AddCommand(verbs...)
	return cmd
}

// sourceFlags say where the configuration comes from.
type sourceFlags struct {
	path string
	set  []string
}

func (f *sourceFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.path, "config", "c", "", "configuration file, YAML (default: see netcore config default)")
	cmd.Flags().StringArrayVar(&f.set, "set", nil,
		"override a key, as in listeners.0.address=:7001; may be repeated, the last one counts")
}

func (f *sourceFlags) source(a *app) (config.Source, error) {
	place, err := a.place()
	return config.Source{Path: f.path, Set: f.set, Place: place}, err
}
