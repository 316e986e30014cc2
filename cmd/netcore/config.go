package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/netcore-go/netcore/cmd/netcore/internal/config"
)

func (a *app) configCommand() *cobra.Command {
	show := &cobra.Command{
		Use: "default", Short: "Print the configuration that run uses without a file, with all keys in comments",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprint(a.stdout, config.DefaultYAML())
			return err
		},
	}
	return group("config", "Help with configuration files", show)
}
