package admin

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// read returns the routes that only read.
func (s *Server) read() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", s.status)
	mux.HandleFunc("GET /v1/plugins", s.plugins)
	mux.HandleFunc("GET /v1/connections", s.connections)
	mux.HandleFunc("GET /v1/stats", s.stats)
	mux.HandleFunc("GET /livez", s.live)
	mux.HandleFunc("GET /healthz", s.live)
	mux.HandleFunc("GET /readyz", s.ready)
	return mux
}

// private returns all routes. Operations end with ctx.
func (s *Server) private(ctx context.Context) http.Handler {
	mux := s.read()
	handle := func(pattern string, f operation) {
		mux.Handle(pattern, f.handler(ctx))
	}
	handle("POST /v1/swap", s.swap)
	handle("POST /v1/rollback", s.rollback)
	handle("POST /v1/reset", s.reset)
	handle("POST /v1/reload", s.reload)
	handle("POST /v1/drain", s.drain)
	handle("POST /v1/stop", s.stop)
	handle("DELETE /v1/connections/{id}", s.closeConnection)
	return jsonErrors(mux)
}

// public returns the routes that only read, for callers that may be anybody on
// this machine, among them web pages in a browser.
func (s *Server) public(addr net.Addr) http.Handler {
	mux := jsonErrors(s.read())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !localHost(r.Host, addr):
			fail(w, CodeInvalid, http.StatusMisdirectedRequest,
				fmt.Sprintf("the Host header %q is not an address of this machine's loopback", r.Host))
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			fail(w, CodeInvalid, http.StatusMethodNotAllowed,
				"this address is read-only: changes go through the socket "+socketName+" in run_dir")
		default:
			mux.ServeHTTP(w, r)
		}
	})
}

// localHost reports whether a Host header names loopback or the listener's own
// address. A page that has made its own name resolve to this machine (DNS
// rebinding) still sends that name.
func localHost(host string, addr net.Addr) bool {
	if host == addr.String() {
		return true
	}
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	if strings.EqualFold(name, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return err == nil && ip.IsLoopback()
}

// jsonErrors answers what the mux does not know in the same form as all errors.
func jsonErrors(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		probe := &statusRecorder{header: w.Header()}
		mux.ServeHTTP(probe, r)
		w.Header().Del("Content-Length")
		if probe.status == http.StatusMethodNotAllowed {
			fail(w, CodeInvalid, probe.status, r.URL.Path+" answers "+w.Header().Get("Allow")+" only")
			return
		}
		fail(w, CodeUnknown, http.StatusNotFound, "there is no "+r.URL.Path+" here")
	})
}

// A statusRecorder keeps an answer's status and headers, and drops its body.
type statusRecorder struct {
	header http.Header
	status int
}

func (r *statusRecorder) Header() http.Header { return r.header }

func (r *statusRecorder) WriteHeader(status int) { r.status = status }

func (r *statusRecorder) Write(p []byte) (int, error) { return len(p), nil }
