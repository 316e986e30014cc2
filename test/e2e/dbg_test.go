package e2e_test

import (
	"context"
	"syscall"
	"testing"
	"os"

	"github.com/netcore-go/netcore/test/e2e/internal/server"
)

func dbg(t *testing.T, s *server.Server) {
	cs, err := s.Admin.Connections(context.Background(), 10000, "")
	t.Log(len(cs), err)
	n := 0
	for _, c := range cs {
		if c.MessagesIn != c.MessagesOut {
			n++
			if n < 10 {
				t.Logf("%+v", c)
			}
		}
	}
	st, _ := s.Status()
	t.Logf("%d differ %+v", n, st)
	s.Signal(syscall.SIGQUIT)
	s.Exit()
	os.WriteFile("/tmp/kh_dump.txt", []byte(s.Log()), 0o600)
}
