package process

import (
	"os"
	"slices"
	"strconv"
	"strings"
)

// inherited are the variables that a plugin has from the kernel: what a program
// needs to run at all, and nothing that may be a secret.
var inherited = []string{"PATH", "HOME", "TMPDIR", "LANG", "TZ"}

// environ is the whole environment of the process. contract are go-plugin's
// variables; nothing overrides them.
func (s *Spec) environ(contract []string) []string {
	var env []string
	for _, name := range inherited {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	if s.GOMAXPROCS > 0 {
		env = append(env, "GOMAXPROCS="+strconv.Itoa(s.GOMAXPROCS))
	}
	return lastWins(append(append(env, s.Env...), contract...))
}

// lastWins drops all but the last value of each name. It is done here because
// of two values programs take the first.
func lastWins(env []string) []string {
	seen := make(map[string]bool, len(env))
	kept := make([]string, 0, len(env))
	for _, kv := range slices.Backward(env) {
		name, _, _ := strings.Cut(kv, "=")
		if !seen[name] {
			seen[name] = true
			kept = append(kept, kv)
		}
	}
	slices.Reverse(kept)
	return kept
}
