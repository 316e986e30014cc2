package load_test

import (
	"net"
	"testing"

	"github.com/netcore-go/netcore/internal/load"
)

// rawServer answers the first bytes of a connection with text.
func rawServer(t *testing.T, text string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		var b [1]byte
		_, _ = c.Read(b[:])
		_, _ = c.Write([]byte(text))
		_, _ = c.Read(make([]byte, 1<<16)) // until the client has gone
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return l.Addr().String()
}

func TestValidate(t *testing.T) {
	for _, tt := range []struct {
		name   string
		config load.Config
		ok     bool
	}{
		{"zero but address", load.Config{Address: "127.0.0.1:1"}, true},
		{"no address", load.Config{}, false},
		{"negative size", load.Config{Address: "a:1", Size: -1}, false},
		{"negative depth", load.Config{Address: "a:1", Depth: -1}, false},
		{"depth for one byte", load.Config{Address: "a:1", Size: 1, Depth: 128}, false},
		{"negative connections", load.Config{Address: "a:1", Connections: -1}, false},
		{"negative duration", load.Config{Address: "a:1", Duration: -1}, false},
		{"negative rate", load.Config{Address: "a:1", Rate: -1}, false},
		{"negative count", load.Config{Address: "a:1", Count: -1}, false},
	} {
		if err := tt.config.Validate(); (err == nil) != tt.ok {
			t.Errorf("%s: Validate() = %v, want ok %v", tt.name, err, tt.ok)
		}
	}
}

func TestParseAddress(t *testing.T) {
	for _, tt := range []struct {
		in, want string
		ok       bool
	}{
		{"127.0.0.1:7001", "127.0.0.1:7001", true},
		{"tcp://127.0.0.1:7001", "127.0.0.1:7001", true},
		{"tcp://[::1]:7001", "[::1]:7001", true},
		{"ftp://127.0.0.1:7001", "", false},
		{"127.0.0.1", "", false},
		{"", "", false},
	} {
		p, got, err := load.ParseAddress(tt.in)
		if got != tt.want || (err == nil) != tt.ok || tt.ok && p.Name() != "tcp" {
			t.Errorf("ParseAddress(%q) = %v, %q, %v, want %q", tt.in, p, got, err, tt.want)
		}
	}
}
