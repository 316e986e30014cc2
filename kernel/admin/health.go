package admin

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/netcore-go/netcore/kernel"
)

// A check is one thing that readiness asks for.
type check struct {
	name string
	// problem is empty if all is well.
	problem string
}

func (s *Server) live(w http.ResponseWriter, _ *http.Request) {
	plain(w, http.StatusOK, "ok\n")
}

// ready answers 503 with the reasons, or ok; with ?verbose a line for each check.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	checks := readiness(s.Kernel.Status())
	code := http.StatusOK
	var problems, all strings.Builder
	for _, c := range checks {
		if c.problem == "" {
			fmt.Fprintf(&all, "[+] %s: ok\n", c.name)
			continue
		}
		code = http.StatusServiceUnavailable
		fmt.Fprintf(&all, "[-] %s: %s\n", c.name, c.problem)
		fmt.Fprintf(&problems, "%s: %s\n", c.name, c.problem)
	}
	switch {
	case r.URL.Query().Has("verbose"):
		plain(w, code, all.String())
	case code == http.StatusOK:
		plain(w, code, "ok\n")
	default:
		plain(w, code, problems.String())
	}
}

// readiness says whether new clients are well served. A swap does not show.
func readiness(s kernel.Status) []check {
	checks := []check{{name: "kernel"}}
	if s.State != "serving" {
		checks[0].problem = s.State
	}
	for _, p := range s.Plugins {
		c := check{name: "plugin " + p.Name}
		if p.State != "serving" && p.State != "swapping" {
			c.problem = p.State
			if p.Reason != "" {
				c.problem += ": " + p.Reason
			}
		}
		checks = append(checks, c)
	}
	return checks
}

func plain(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	io.WriteString(w, text) // an error means that the caller has hung up
}
