package admin_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/netcore-go/netcore/kernel"
	"github.com/netcore-go/netcore/kernel/admin"
)

// request sends one request over dial and returns status and body.
func request(t *testing.T, network, address, method, target, host, body string) (int, string) {
	t.Helper()
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, address)
		},
	}
	req, err := http.NewRequest(method, "http://"+host+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(text))
}

func TestSocketErrors(t *testing.T) {
	runDir, _ := start(t, newFake())
	tests := []struct {
		name, method, target, body string
		status                     int
		want                       string
	}{
		{"no route", "GET", "/v2", "", 404, `{"error":"there is no /v2 here","code":"unknown"}`},
		{"method", "GET", "/v1/swap", "", 405, `{"error":"/v1/swap answers POST only","code":"invalid"}`},
		{"no plugin", "POST", "/v1/swap", "", 400, `{"error":"plugin is missing","code":"invalid"}`},
		{"unknown field", "POST", "/v1/reset", `{"plugin":"a","pth":1}`, 400,
			`{"error":"the request's body is wrong: json: unknown field \"pth\"","code":"invalid"}`},
		{"two values", "POST", "/v1/reset", `{"plugin":"a"}{}`, 400,
			`{"error":"the request's body is wrong: more than one JSON value","code":"invalid"}`},
		{"limit", "GET", "/v1/connections?limit=0", "", 400, `{"error":"limit is \"0\", want 1 to 10000","code":"invalid"}`},
		{"large body", "POST", "/v1/reset", `{"plugin":"` + strings.Repeat("a", 70_000) + `"}`, 413,
			`{"error":"the request's body is wrong: http: request body too large","code":"invalid"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, body := request(t, "unix", admin.SocketPath(runDir), tt.method, tt.target, "netcore", tt.body)
			if status != tt.status || body != tt.want {
				t.Errorf("%s %s = %d %s, want %d %s", tt.method, tt.target, status, body, tt.status, tt.want)
			}
		})
	}
}

func TestPublic(t *testing.T) {
	f := newFake()
	_, address := start(t, f)
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, method, target, host string
		status                     int
	}{
		{"own address", "GET", "/v1/status", address, 200},
		{"localhost", "GET", "/livez", "localhost:" + port, 200},
		{"head", "HEAD", "/livez", address, 200},
		{"ipv6 loopback", "GET", "/healthz", "[::1]:80", 200},
		{"rebound name", "GET", "/v1/status", "evil.example:" + port, 421},
		{"name that begins like loopback", "GET", "/v1/status", "127.0.0.1.evil.example", 421},
		{"post", "POST", "/v1/drain", address, 405},
		{"delete", "DELETE", "/v1/connections/1", address, 405},
		{"post route by get", "GET", "/v1/drain", address, 404},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, body := request(t, "tcp", address, tt.method, tt.target, tt.host, ""); got != tt.status {
				t.Errorf("%s %s at %s = %d %s, want %d", tt.method, tt.target, tt.host, got, body, tt.status)
			}
		})
	}
	if len(f.calls) != 0 {
		t.Errorf("the read-only listener changed something: %s", <-f.calls)
	}
}

func TestReady(t *testing.T) {
	tests := []struct {
		name    string
		state   string
		plugin  kernel.PluginStatus
		status  int
		want    string
		verbose string
	}{
		{"serving", "serving", kernel.PluginStatus{Name: "tcp", State: "serving"}, 200, "ok",
			"[+] kernel: ok\n[+] plugin tcp: ok"},
		{"swapping", "serving", kernel.PluginStatus{Name: "tcp", State: "swapping"}, 200, "ok",
			"[+] kernel: ok\n[+] plugin tcp: ok"},
		{"draining", "draining", kernel.PluginStatus{Name: "tcp", State: "serving"}, 503, "kernel: draining",
			"[-] kernel: draining\n[+] plugin tcp: ok"},
		{"quarantined", "serving", kernel.PluginStatus{Name: "tcp", State: "quarantined", Reason: "died 6 times"}, 503,
			"plugin tcp: quarantined: died 6 times", "[+] kernel: ok\n[-] plugin tcp: quarantined: died 6 times"},
		{"starting", "starting", kernel.PluginStatus{Name: "tcp", State: "starting"}, 503,
			"kernel: starting\nplugin tcp: starting", "[-] kernel: starting\n[-] plugin tcp: starting"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake()
			f.status.State, f.status.Plugins = tt.state, []kernel.PluginStatus{tt.plugin}
			_, address := start(t, f)
			if status, body := request(t, "tcp", address, "GET", "/readyz", address, ""); status != tt.status || body != tt.want {
				t.Errorf("/readyz = %d %q, want %d %q", status, body, tt.status, tt.want)
			}
			if status, body := request(t, "tcp", address, "GET", "/readyz?verbose", address, ""); status != tt.status || body != tt.verbose {
				t.Errorf("/readyz?verbose = %d %q, want %d %q", status, body, tt.status, tt.verbose)
			}
		})
	}
}
