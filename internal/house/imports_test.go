package house_test

import (
	"strings"
	"testing"
)

// An edge is one package's import of another. To is a path within the module,
// or starts with "std:" or "ext:".
type edge struct{ from, to string }

func target(path string) string {
	first, _, _ := strings.Cut(path, "/")
	switch {
	case path == module:
		return "."
	case strings.HasPrefix(path, module+"/"):
		return strings.TrimPrefix(path, module+"/")
	case strings.Contains(first, "."):
		return "ext:" + path
	}
	return "std:" + path
}

func (e edge) std() bool      { return strings.HasPrefix(e.to, "std:") }
func (e edge) external() bool { return strings.HasPrefix(e.to, "ext:") }

// part is the first n elements of a package's path.
func part(name string, n int) string {
	elements := strings.SplitN(name, "/", n+1)
	return strings.Join(elements[:min(n, len(elements))], "/")
}

// broken says which rule e breaks, or nothing.
func broken(e edge) string {
	switch {
	case e.from == "sdk" && !e.std():
		return "sdk imports the standard library only"
	case within(e.from, "sdk") && !e.std() && !e.external() && !within(e.to, "sdk"):
		return "nothing under sdk imports anything of this module outside sdk"
	case within(e.to, "sdk/sdktest"):
		if !within(e.from, "sdk/sdktest") {
			return "sdktest is for tests"
		}
	case within(e.from, "kernel") && (within(e.to, "plugins") || within(e.to, "cmd") || within(e.to, "examples")):
		return "kernel imports no plugin, command or example"
	case within(e.from, "kernel/internal") && within(e.to, "kernel/internal") && part(e.from, 3) != part(e.to, 3):
		return "packages in kernel/internal do not import one another"
	case within(e.from, "kernel/internal") && within(e.to, "kernel") && !within(e.to, "kernel/internal"):
		return "kernel wires kernel/internal, not the other way round"
	case within(e.from, "plugins"), within(e.from, "examples"):
		return brokenByPlugin(e)
	}
	return ""
}

// brokenByPlugin is broken for what third parties would write, too.
func brokenByPlugin(e edge) string {
	own := part(e.from, 2)
	switch {
	case e.std(), e.to == "sdk", within(e.to, own):
		return ""
	case e.external():
		if within(e.from, "examples") {
			return "an example imports only sdk and the standard library"
		}
		return ""
	case e.to == "sdk/plugin" && within(e.from, own+"/cmd"):
		return ""
	}
	return "a plugin imports only sdk and its library, its command also sdk/plugin"
}

func TestImports(t *testing.T) {
	for _, p := range packages(t) {
		for _, path := range p.Imports {
			e := edge{p.name(), target(path)}
			if rule := broken(e); rule != "" {
				t.Errorf("%s imports %s: %s", e.from, e.to, rule)
			}
		}
	}
}

// TestImportRules shows that each rule finds what it is for.
func TestImportRules(t *testing.T) {
	tests := []struct {
		from, to string
		ok       bool
	}{
		{"sdk", "std:net", true},
		{"sdk", "ext:google.golang.org/grpc", false},
		{"sdk", "sdk/link", false},
		{"sdk/plugin", "sdk/link", true},
		{"sdk/plugin", "ext:google.golang.org/grpc", true},
		{"sdk/plugin", "kernel", false},
		{"sdk/plugin", "sdk/sdktest", false},
		{"sdk/link", "plugins/tcp", false},
		{"sdk/sdktest", "sdk/sdktest/testplugins", true},
		{"sdk/sdktest", "kernel", false},
		{"kernel", "sdk/plugin", true},
		{"kernel", "kernel/internal/slot", true},
		{"kernel", "plugins/tcp", false},
		{"kernel/admin", "kernel", true},
		{"kernel/internal/slot", "kernel/internal/queue", false},
		{"kernel/internal/slot", "kernel/internal/slot/x", true},
		{"kernel/internal/slot", "kernel", false},
		{"plugins/tcp", "sdk", true},
		{"plugins/tcp", "ext:github.com/gorilla/websocket", true},
		{"plugins/tcp", "sdk/plugin", false},
		{"plugins/tcp", "sdk/link", false},
		{"plugins/tcp", "plugins/udp", false},
		{"plugins/tcp/cmd/netcore-tcp", "sdk/plugin", true},
		{"plugins/tcp/cmd/netcore-tcp", "plugins/tcp", true},
		{"plugins/tcp/cmd/netcore-tcp", "kernel", false},
		{"examples/echo", "ext:google.golang.org/grpc", false},
		{"cmd/netcore", "kernel", true},
		{"cmd/netcore", "plugins/tcp", true},
	}
	for _, tt := range tests {
		if rule := broken(edge{tt.from, tt.to}); (rule == "") != tt.ok {
			t.Errorf("%s imports %s: rule %q, want allowed = %v", tt.from, tt.to, rule, tt.ok)
		}
	}
}
