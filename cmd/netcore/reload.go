package main

import (
	"cmp"
	"context"
	"fmt"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/netcore-go/netcore/cmd/netcore/internal/config"
	"github.com/netcore-go/netcore/kernel"
)

// reload reads the configuration again and applies it whole or not at all. Only
// one runs at a time; another gets kernel.ErrBusy.
func (p *process) reload(ctx context.Context) error {
	select {
	case p.reloading <- struct{}{}:
		defer func() { <-p.reloading }()
	default:
		return fmt.Errorf("%w: a reload is running", kernel.ErrBusy)
	}
	cfg, err := config.Load(p.source)
	if err != nil {
		return fmt.Errorf("%w:\n%w", kernel.ErrInvalid, err)
	}
	if err := p.unchanged(cfg); err != nil {
		return err
	}
	level, err := zapcore.ParseLevel(cfg.LogLevel)
	if err != nil {
		return err
	}
	if err := p.kernel.Reload(ctx, cfg.Kernel); err != nil {
		return err
	}
	p.level.SetLevel(level)
	p.logger.Info("configuration reloaded", zap.String("file", cmp.Or(p.source.Path, config.DefaultName)))
	return nil
}

// unchanged refuses what only a start can apply.
func (p *process) unchanged(cfg config.Config) error {
	for _, key := range [...]struct{ name, old, new string }{
		{"run_dir", p.config.RunDir, cfg.RunDir},
		{"admin.listen", p.config.AdminListen, cfg.AdminListen},
		{"log.format", p.config.LogFormat, cfg.LogFormat},
	} {
		if key.old != key.new {
			return fmt.Errorf("%w: %s cannot change from %q to %q without a restart", kernel.ErrInvalid, key.name, key.old, key.new)
		}
	}
	return nil
}
