package kernel

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

// Defaults of a Config.
const (
	defaultDrain = 30 * time.Second
	defaultQueue = 1 << 20
)

// complete returns cfg with its defaults filled in, or all that is wrong with it.
func (cfg Config) complete() (Config, error) {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%w: %w", ErrInvalid, fmt.Errorf(format, args...)))
	}
	if cfg.RunDir == "" {
		bad("run_dir is empty")
	}
	if cfg.MaxConnections < 0 {
		bad("max_connections is %d", cfg.MaxConnections)
	}
	if cfg.DrainTimeout < 0 {
		bad("drain_timeout is %v", cfg.DrainTimeout)
	}
	if cfg.DrainTimeout == 0 {
		cfg.DrainTimeout = defaultDrain
	}
	if len(cfg.Listeners) == 0 {
		bad("there are no listeners")
	}
	for name, p := range cfg.Plugins {
		if (p.Path == "") == (p.Local == nil) {
			bad("plugin %s: exactly one of path and a plugin in this process must be set", name)
		}
		switch p.Carrier {
		case CarrierAuto, CarrierUnix, CarrierGRPC:
		default:
			bad("plugin %s: carrier is %q, not %q or %q", name, p.Carrier, CarrierUnix, CarrierGRPC)
		}
		if len(p.Config) > 0 && !json.Valid(p.Config) {
			bad("plugin %s: its config is no JSON", name)
		}
	}
	names := make(map[string]bool)
	roles := make(map[string]string)
	listeners := make([]Listener, len(cfg.Listeners))
	for i, l := range cfg.Listeners {
		complete, err := l.complete()
		listeners[i] = complete
		if err != nil {
			bad("listener %s: %w", l.Name, err)
		}
		if names[l.Name] {
			bad("two listeners are named %q", l.Name)
		}
		names[l.Name] = true
		for _, use := range []struct{ role, plugin string }{{"protocol", l.Protocol}, {"handler", l.Handler}} {
			if _, ok := cfg.Plugins[use.plugin]; !ok {
				bad("listener %s: there is no plugin for %s %q", l.Name, use.role, use.plugin)
			}
			if was := roles[use.plugin]; was != "" && was != use.role {
				bad("plugin %s is used as protocol and as handler", use.plugin)
			}
			roles[use.plugin] = use.role
		}
	}
	cfg.Listeners = listeners
	return cfg, errors.Join(errs...)
}

// complete returns l with its defaults filled in.
func (l Listener) complete() (Listener, error) {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(l.Name != "", "it has no name")
	host, port, err := net.SplitHostPort(l.Address)
	if err != nil {
		check(false, "address %q: want host:port, as 127.0.0.1:7001 or :7001", l.Address)
	} else {
		n, err := strconv.Atoi(port)
		check(err == nil && n >= 0 && n <= 65535, "address %q: port %q is no number from 0 to 65535", l.Address, port)
		_ = host // resolved when it is listened on
	}
	check(len(l.Options) == 0 || json.Valid(l.Options), "options are no JSON")
	lim := l.Limits
	check(lim.MaxConnections >= 0 && lim.PerSource >= 0 && lim.QueueBytes >= 0, "limits must not be negative")
	check(lim.IdleTimeout >= 0 && lim.ReadTimeout >= 0 && lim.WriteTimeout >= 0, "timeouts must not be negative")
	check(l.HeartbeatInterval >= 0 && l.HeartbeatTimeout >= 0, "heartbeat must not be negative")
	if l.Limits.QueueBytes == 0 {
		l.Limits.QueueBytes = defaultQueue
	}
	if l.HeartbeatTimeout == 0 {
		l.HeartbeatTimeout = l.HeartbeatInterval
	}
	switch l.QueuePolicy {
	case "":
		l.QueuePolicy = QueueBlock
	case QueueBlock, QueueDrop, QueueClose:
	default:
		check(false, "queue_policy is %q, not %q, %q or %q", l.QueuePolicy, QueueBlock, QueueDrop, QueueClose)
	}
	switch l.OnHandlerLoss {
	case "":
		l.OnHandlerLoss = LossKeep
	case LossKeep, LossClose:
	default:
		check(false, "on_handler_loss is %q, not %q or %q", l.OnHandlerLoss, LossKeep, LossClose)
	}
	return l, errors.Join(errs...)
}
