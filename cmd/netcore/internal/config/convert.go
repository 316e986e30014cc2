package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/netcore-go/netcore/kernel"
)

// convert makes what the kernel runs, and reports plugins that are not there.
func (l *loader) convert() Config {
	runDir := l.runDir()
	return Config{
		RunDir:      runDir,
		LogLevel:    cmp.Or(l.Log.Level, "info"),
		LogFormat:   cmp.Or(l.Log.Format, "auto"),
		AdminListen: l.Admin.Listen,
		Kernel: kernel.Config{
			RunDir:         runDir,
			Listeners:      l.convertListeners(),
			Plugins:        l.convertPlugins(),
			MaxConnections: l.MaxConnections,
			DrainTimeout:   l.DrainTimeout,
		},
	}
}

// network is what the listener's protocol needs. Those that come with netcore
// are known; others say it where it is not tcp.
func (c *listener) network() string {
	if c.Network == "" && (c.Protocol == "udp" || c.Protocol == "kcp") {
		return "udp"
	}
	return cmp.Or(c.Network, "tcp")
}

func (l *loader) runDir() string {
	if l.RunDir == "" {
		return l.place.runDir()
	}
	return l.resolve("run_dir", l.RunDir)
}

// resolve makes the path that stands at a key absolute.
func (l *loader) resolve(key, path string) string {
	if _, flag := l.flags[l.at[key]]; flag {
		return absolute(path, l.place.WorkDir)
	}
	return absolute(path, l.base)
}

func (l *loader) convertListeners() []kernel.Listener {
	out := make([]kernel.Listener, len(l.Listeners))
	for i, c := range l.Listeners {
		out[i] = kernel.Listener{
			Name:     c.Name,
			Protocol: c.Protocol,
			Address:  c.Address,
			Packet:   c.network() == "udp",
			Options:  c.Options,
			Handler:  c.Handler,
			Limits: kernel.Limits{
				MaxConnections: c.Limits.MaxConnections,
				PerSource:      c.Limits.PerSource,
				IdleTimeout:    c.Limits.IdleTimeout,
				ReadTimeout:    c.Limits.ReadTimeout,
				WriteTimeout:   c.Limits.WriteTimeout,
				QueueBytes:     int(c.Limits.Queue),
			},
			HeartbeatInterval: c.Heartbeat.Interval,
			HeartbeatTimeout:  c.Heartbeat.Timeout,
			QueuePolicy:       kernel.QueuePolicy(c.QueuePolicy),
			OnHandlerLoss:     kernel.LossPolicy(c.OnHandlerLoss),
		}
	}
	return out
}

// convertPlugins finds the executables of all plugins that listeners name. A
// plugin that several listeners name is looked for, and missed, once.
func (l *loader) convertPlugins() map[string]kernel.Plugin {
	out := make(map[string]kernel.Plugin)
	if l.failed("plugin_dirs") {
		return out
	}
	dirs := l.pluginDirs()
	add := func(section, name, user string, p process) {
		if _, ok := out[name]; !ok && namePattern.MatchString(name) {
			out[name] = l.convertProcess(join(section, name), name, user, p, dirs)
		}
	}
	for i, c := range l.Listeners {
		user := fmt.Sprintf("listeners[%d]", i)
		add("plugins", c.Protocol, user+".protocol", l.Plugins[c.Protocol])
		add("handlers", c.Handler, user+".handler", l.Handlers[c.Handler].process)
		if p, ok := out[c.Handler]; ok {
			p.Config = l.Handlers[c.Handler].Config
			out[c.Handler] = p
		}
	}
	return out
}

func (l *loader) pluginDirs() []string {
	if l.at["plugin_dirs"] == nil {
		return l.place.pluginDirs()
	}
	dirs := make([]string, len(l.PluginDirs))
	for i, dir := range l.PluginDirs {
		dirs[i] = l.resolve(fmt.Sprintf("plugin_dirs[%d]", i), dir)
	}
	return dirs
}

// convertProcess converts the plugin whose section is at the key path, and that
// the key user names.
func (l *loader) convertProcess(section, name, user string, p process, dirs []string) kernel.Plugin {
	out := kernel.Plugin{SHA256: p.SHA256, GOMAXPROCS: p.GOMAXPROCS, Env: environment(p.Env)}
	if p.Carrier != "auto" {
		out.Carrier = kernel.Carrier(p.Carrier)
	}
	key := section + ".path"
	if p.Path != "" {
		out.Path = l.resolve(key, p.Path)
		switch err := checkExecutable(out.Path); {
		case errors.Is(err, fs.ErrNotExist):
			l.report(key, "there is no file %s: build the plugin, or correct the path", out.Path)
		case err != nil:
			l.report(key, "%v", err)
		}
		return out
	}
	path, err := findPlugin(name, dirs)
	switch {
	case errors.Is(err, errAbsent):
		l.report(user, "%v: put it there, add its directory to plugin_dirs, or name the file with %s%s",
			err, key, suggest(name, available(dirs)))
	case err != nil:
		l.report(user, "%v", err)
	}
	out.Path = path
	return out
}

// environment is env as NAME=value, in a stable order so that configurations compare.
func environment(env map[string]string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(env)) {
		out = append(out, name+"="+env[name])
	}
	return out
}
