package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/netcore-go/netcore/cmd/netcore/internal/config"
	"github.com/netcore-go/netcore/kernel"
)

// validity is the JSON of netcore validate.
type validity struct {
	Valid  bool          `json:"valid"`
	Errors config.Errors `json:"errors"`
}

func (a *app) validateCommand() *cobra.Command {
	var f sourceFlags
	var out outputFlag
	cmd := &cobra.Command{
		Use: "validate", Short: "Check a configuration as run does, without listening",
		Long: `Validate starts each plugin until it has accepted its options, and stops it.
What it accepts, run serves, unless an address cannot be listened on or run_dir
cannot be used.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.validate(cmd.Context(), &f, out) },
	}
	f.add(cmd)
	out.add(cmd)
	return cmd
}

func (a *app) validate(ctx context.Context, f *sourceFlags, out outputFlag) error {
	if err := out.check(); err != nil {
		return err
	}
	src, err := f.source(a)
	if err != nil {
		return err
	}
	name := cmp.Or(src.Path, config.DefaultName)
	err = a.checkConfig(ctx, src)
	if out.format == "table" {
		if err != nil {
			return err
		}
		return a.print(out, nil, func(t *table) { t.line("%s: valid", name) })
	}
	v := validity{Valid: err == nil, Errors: config.Errors{}}
	if errs, ok := errors.AsType[config.Errors](err); ok {
		v.Errors = errs
	} else if err != nil {
		v.Errors = config.Errors{{Source: name, Message: err.Error()}}
	}
	if printed := a.print(out, v, nil); printed != nil || v.Valid {
		return printed
	}
	return &exitError{code: exitFailed}
}

// checkConfig runs the plugins in a directory of their own: a running netcore
// may be using the configuration's.
func (a *app) checkConfig(ctx context.Context, src config.Source) (err error) {
	cfg, err := config.Load(src)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "netcore-validate")
	if err != nil {
		return fmt.Errorf("make a directory for sockets: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	cfg.Kernel.RunDir = dir
	return a.check(ctx, cfg.Kernel, kernel.Options{Logger: zap.NewNop(), Version: buildVersion()})
}
