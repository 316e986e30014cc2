package kernel_test

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/netcore-go/netcore/kernel"
	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/sdktest/testplugins"
)

func askRig(t *testing.T) *rig {
	return start(t, func(c *kernel.Config, r *rig) {
		c.Listeners = []kernel.Listener{{Name: "a", Protocol: "ask", Handler: "talk", Address: "127.0.0.1:0"}}
		c.Plugins = map[string]kernel.Plugin{
			"ask":  {Local: &sdk.Plugin{Name: "ask", Version: "1", Protocol: testplugins.Ask{}}},
			"talk": {Local: &sdk.Plugin{Name: "talk", Version: "1", Handler: &testplugins.Talk{}}},
		}
	})
}

func checkReplies(t *testing.T, c net.Conn, n int) {
	t.Helper()
	got := make(map[string][]string)
	s := bufio.NewScanner(c)
	ends := 0
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	for ends < n && s.Scan() {
		num, text, _ := strings.Cut(s.Text(), " ")
		got[num] = append(got[num], text)
		if text == "." {
			ends++
		}
	}
	bad := 0
	for i := 1; i <= n; i++ {
		if g := strings.Join(got[fmt.Sprint(i)], " "); g != "0 1 2 ." {
			if bad++; bad < 4 {
				t.Errorf("request %d was answered %q, want %q", i, g, "0 1 2 .")
			}
		}
	}
	if bad > 0 {
		t.Errorf("%d of %d requests, %v", bad, n, s.Err())
	}
}

// The end of a reply follows the reply, also when the client's queue is long.
func TestReplyEndsAfterItsMessages(t *testing.T) {
	r := askRig(t)
	c, err := net.Dial("tcp", r.addr())
	must(t, err)
	defer c.Close()
	const n = 20000
	text := strings.Repeat("x", 900)
	go func() {
		for i := 1; i <= n; i++ {
			fmt.Fprintf(c, "%d %s\n", i, text)
		}
	}()
	time.Sleep(2 * time.Second) // the client does not read; its queue grows
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	sc, early, ends := bufio.NewScanner(c), 0, 0
	answered := make(map[string]bool)
	for ends < n && sc.Scan() {
		num, t, _ := strings.Cut(sc.Text(), " ")
		if t == "." {
			ends++
			if !answered[num] {
				early++
			}
		} else {
			answered[num] = true
		}
	}
	if early > 0 || ends < n {
		t.Errorf("%d of %d replies ended (%v), %d before their message", ends, n, sc.Err(), early)
	}
}

// The end of a reply is not lost when the connection is between two instances.
func TestReplyEndsAcrossASwap(t *testing.T) {
	r := askRig(t)
	c, err := net.Dial("tcp", r.addr())
	must(t, err)
	defer c.Close()
	const n = 3000
	go func() {
		for i := 1; i <= n; i++ {
			fmt.Fprintf(c, "%d burst 3\n", i)
		}
	}()
	swapped := make(chan struct{})
	go func() {
		defer close(swapped)
		for range 5 {
			eventually(t, func() error { // the one before may still be draining
				_, err := r.swap("ask", "")
				return err
			})
		}
	}()
	checkReplies(t, c, n)
	<-swapped
}
