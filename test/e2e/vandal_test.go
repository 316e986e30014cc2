package e2e_test

import (
	"crypto/rand"
	"errors"
	"io"
	"maps"
	"net"
	"syscall"
	"testing"

	"github.com/netcore-go/netcore/kernel"
	"github.com/netcore-go/netcore/test/e2e/internal/server"
)

// TestVandals has clients send what is no message, while others talk.
func TestVandals(t *testing.T) {
	const each = 100
	garbage := make([]byte, 64<<10)
	garbage[0] = 0xff // a length of almost 4 GiB, at least
	_, _ = rand.Read(garbage[1:])
	tests := []struct {
		name  string
		send  []byte
		leave bool // and go at once; otherwise the server ends the connection
	}{
		{"garbage", garbage, false},
		{"claim of 4 GiB", []byte{0xff, 0xff, 0xff, 0xff}, false},
		{"half a length", []byte{0, 0}, true},
		{"half a message", append([]byte{0, 0, 4, 0}, make([]byte, 500)...), true},
	}
	s := start(t, server.EchoYAML)
	f := dial(t, s, 200)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before, err := s.Usage()
			if err != nil {
				t.Fatal(err)
			}
			had := closed(t, s)
			stop := talk(t, f.Conns()[:100], 1000)
			for range each {
				vandal(t, s, test.send, test.leave)
			}
			stop()
			settleAndAsk(t, f)
			untouched(t, f)
			var got map[string]int64
			err = s.Await("all vandals are gone", func(st kernel.Status) bool {
				got = maps.Clone(st.Closed)
				sum := int64(0)
				for cause := range got {
					got[cause] -= had[cause]
					sum += got[cause]
				}
				return sum == each
			})
			if err != nil {
				t.Error(err)
			}
			after, err := s.Usage()
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d clients, closed by cause %v, memory %+.1f MiB", each, got, mib(after.PSS-before.PSS))
			if grown := after.PSS - before.PSS; grown > 32<<20 {
				t.Errorf("memory has grown by %.1f MiB", mib(grown))
			}
			if !test.leave && got["orderly"] > 0 {
				t.Errorf("closed by cause %v, want no orderly end", got)
			}
		})
	}
	if st, err := s.Status(); err != nil || slotOf(st, "tcp").Deaths+slotOf(st, "echo").Deaths != 0 {
		t.Errorf("plugins have died: %+v, %v", st.Plugins, err)
	}
}

// vandal sends something and either leaves, or expects to be thrown out without
// an answer.
func vandal(t *testing.T, s *server.Server, send []byte, leave bool) {
	t.Helper()
	c := connect(t, s.Address)
	defer c.Close()
	thrownOut := func(err error) bool {
		return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, net.ErrClosed)
	}
	if _, err := c.Write(send); err != nil && !thrownOut(err) {
		t.Error(err)
	}
	if leave {
		return
	}
	answer, err := io.ReadAll(c)
	if len(answer) > 0 || err != nil && !thrownOut(err) {
		t.Errorf("%d bytes of answer, %v", len(answer), err)
	}
}
