package main

import (
	"context"
	"fmt"
	"net"
	"os"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/netcore-go/netcore/cmd/netcore/internal/config"
	"github.com/netcore-go/netcore/kernel"
	"github.com/netcore-go/netcore/kernel/admin"
)

const runLong = `Run serves what the configuration file says, or without one an echo on loopback
(see netcore config default).

SIGTERM or SIGINT drain and end the process, a second one ends it at once. SIGHUP
applies the changed file, whole or not at all.

The exit status is 0 after a clean end, 1 if the configuration or the start is
wrong, 2 after a forced end, and 3 if connections had to be cut off.`

func (a *app) runCommand() *cobra.Command {
	var f sourceFlags
	cmd := &cobra.Command{
		Use: "run", Short: "Serve until stopped", Long: runLong,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			src, err := f.source(a)
			if err != nil {
				return err
			}
			return a.serve(cmd.Context(), src)
		},
	}
	f.add(cmd)
	return cmd
}

// serve runs a kernel and its admin servers until they have ended.
func (a *app) serve(ctx context.Context, src config.Source) error {
	cfg, err := config.Load(src)
	if err != nil {
		return err
	}
	level, err := zap.ParseAtomicLevel(cfg.LogLevel)
	if err != nil {
		return err
	}
	logger := newLogger(a.stderr, cfg.LogFormat, level)
	a.limitProcs(logger)
	if err := prepareRunDir(cfg.RunDir); err != nil {
		return err
	}
	k, err := a.newKernel(cfg.Kernel, kernel.Options{Logger: logger, Version: buildVersion()})
	if err != nil {
		return err
	}
	socket, public, err := listenAdmin(cfg)
	if err != nil {
		return err
	}
	signals, release := a.signals()
	p := newProcess(k, src, cfg, logger, level)
	return p.run(ctx, socket, public, signals, release)
}

// limitProcs applies kernelProcs.
func (a *app) limitProcs(logger *zap.Logger) {
	if n := kernelProcs(os.Getenv("GOMAXPROCS") != "", a.gomaxprocs(0)); n > 0 {
		a.gomaxprocs(n)
		logger.Debug("gomaxprocs set", zap.Int("gomaxprocs", n))
	}
}

// listenAdmin opens the admin socket, and the read-only listener if there is one.
func listenAdmin(cfg config.Config) (socket, public net.Listener, err error) {
	if socket, err = admin.Listen(cfg.RunDir); err != nil {
		return nil, nil, fmt.Errorf("admin socket: %w", err)
	}
	if cfg.AdminListen == "" {
		return socket, nil, nil
	}
	if public, err = net.Listen("tcp", cfg.AdminListen); err != nil {
		socket.Close()
		return nil, nil, fmt.Errorf("admin.listen: %w", err)
	}
	return socket, public, nil
}

// logStart says where operators find the server; the kernel has said where
// clients do.
func logStart(logger *zap.Logger, socket, public net.Listener) {
	fields := []zap.Field{zap.String("version", buildVersion()), zap.Stringer("admin", socket.Addr())}
	if public != nil {
		fields = append(fields, zap.String("http", "http://"+public.Addr().String()))
	}
	logger.Info("serving", fields...)
}
