package e2e_test

import (
	"testing"

	"github.com/netcore-go/netcore/test/e2e/internal/server"
)

// linkBudget is how many bytes all connections of a link may have outstanding
// together, as the SDK bounds it.
const linkBudget = 64 << 20

// TestQuietConnections has each of many connections say a little: together more
// than a link may have outstanding, but each so little that its own window does
// not call for an acknowledgement.
func TestQuietConnections(t *testing.T) {
	s := start(t, server.EchoYAML)
	f := dial(t, s, crowd)
	received := int64(0)
	for received < linkBudget+linkBudget/8 {
		if err := f.Ask(patient(t)); err != nil {
			t.Fatalf("after %d bytes: %v", received, err)
		}
		st, err := s.Status()
		if err != nil {
			t.Fatal(err)
		}
		received = st.Total.BytesReceived
	}
	t.Logf("%d connections have sent %.1f MiB: %v", crowd, mib(received), untouched(t, f))
}
