package config

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)
	hashPattern = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)
	envPattern  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// check finds what is wrong with values that each alone has the right type.
func (l *loader) check() {
	l.checkAdmin()
	if len(l.Listeners) == 0 && !l.failed("listeners") {
		l.report("listeners", "at least one listener is needed")
	}
	names, addresses := map[string]string{}, map[string]map[string]string{"tcp": {}, "udp": {}}
	for i := range l.Listeners {
		path := fmt.Sprintf("listeners[%d]", i)
		l.checkListener(path, &l.Listeners[i])
		l.unique(names, path+".name", l.Listeners[i].Name)
		if addr := l.Listeners[i].Address; !strings.HasSuffix(addr, ":0") {
			l.unique(addresses[l.Listeners[i].network()], path+".address", addr)
		}
	}
	if !strings.HasSuffix(l.Admin.Listen, ":0") {
		l.unique(addresses["tcp"], "admin.listen", l.Admin.Listen)
	}
	l.checkUse()
	for _, name := range slices.Sorted(maps.Keys(l.Plugins)) {
		l.checkProcess(join("plugins", name), l.Plugins[name])
	}
	for _, name := range slices.Sorted(maps.Keys(l.Handlers)) {
		l.checkProcess(join("handlers", name), l.Handlers[name].process)
	}
}

// failed reports whether the key itself was already found wrong: then what it
// lacks or contains is not worth a second error.
func (l *loader) failed(path string) bool {
	return slices.ContainsFunc(l.errs, func(e Error) bool {
		return e.Key == path || strings.HasPrefix(e.Key, path+"[") || e.Key == "" && e.Line > 0
	})
}

func (l *loader) unique(seen map[string]string, path, value string) {
	if value == "" {
		return
	}
	if first, ok := seen[value]; ok {
		l.report(path, "%s is already %s", quote(value), first)
		return
	}
	seen[value] = path
}

func (l *loader) checkAdmin() {
	addr := l.Admin.Listen
	if addr == "" {
		return
	}
	host, _, err := splitAddress(addr)
	if err != nil {
		l.report("admin.listen", "%v", err)
		return
	}
	if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
		l.report("admin.listen", "%s is not on loopback, as in 127.0.0.1:7070: the listener has no authentication; "+
			"from elsewhere reach it through ssh -L", quote(addr))
	}
}

func (l *loader) checkListener(path string, c *listener) {
	for _, field := range [...]struct{ key, value string }{
		{"name", c.Name}, {"protocol", c.Protocol}, {"handler", c.Handler},
	} {
		l.checkName(path+"."+field.key, field.value)
	}
	switch _, _, err := splitAddress(c.Address); {
	case c.Address == "" && !l.failed(path+".address"):
		l.report(path+".address", "is missing: write host:port, or :port for all addresses")
	case c.Address != "" && err != nil:
		l.report(path+".address", "%v", err)
	}
	if c.Heartbeat.Timeout > 0 && c.Heartbeat.Interval == 0 && !l.failed(path+".heartbeat.interval") {
		l.report(path+".heartbeat.timeout", "does nothing without heartbeat.interval")
	}
}

// checkName checks a name that a listener must have.
func (l *loader) checkName(path, value string) {
	switch {
	case value == "" && l.at[path] == nil:
		l.report(path, "is missing")
	case l.failed(path):
	case !namePattern.MatchString(value):
		l.report(path, "%s is no name: use up to 63 letters, digits, - and _", quote(value))
	}
}

// checkUse finds sections of plugins that no listener uses: they are misspelt,
// or do nothing.
func (l *loader) checkUse() {
	protocols, handlers := map[string]bool{}, map[string]bool{}
	for _, c := range l.Listeners {
		protocols[c.Protocol], handlers[c.Handler] = true, true
	}
	for i, c := range l.Listeners {
		if c.Handler != "" && protocols[c.Handler] {
			l.report(fmt.Sprintf("listeners[%d].handler", i), "%s is a protocol here: a handler needs another name", quote(c.Handler))
		}
	}
	unused(l, "plugins", l.Plugins, protocols, "protocol")
	unused(l, "handlers", l.Handlers, handlers, "handler")
}

func unused[V any](l *loader, section string, have map[string]V, used map[string]bool, what string) {
	delete(used, "")
	for _, name := range slices.Sorted(maps.Keys(have)) {
		if !used[name] {
			l.report(join(section, name), "no listener has the %s %s%s", what, quote(name),
				suggest(name, slices.Sorted(maps.Keys(used))))
		}
	}
}

func (l *loader) checkProcess(path string, p process) {
	if p.SHA256 != "" && !hashPattern.MatchString(p.SHA256) {
		l.report(path+".sha256", "must be 64 hexadecimal digits, as sha256sum prints them")
	}
	for _, name := range slices.Sorted(maps.Keys(p.Env)) {
		if !envPattern.MatchString(name) {
			l.report(join(path+".env", name), "%s is no name of an environment variable", quote(name))
		}
		if strings.ContainsRune(p.Env[name], 0) {
			l.report(join(path+".env", name), "the value contains a zero byte")
		}
	}
}

// splitAddress is net.SplitHostPort with a port that is checked to be a number.
func splitAddress(addr string) (host string, port uint64, err error) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, fmt.Errorf("%s is no address: write host:port, or :port for all addresses", quote(addr))
	}
	if port, err = strconv.ParseUint(text, 10, 16); err != nil {
		return "", 0, fmt.Errorf("%s has no port between 0 and 65535", quote(addr))
	}
	return host, port, nil
}
