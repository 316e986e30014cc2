package e2e_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/netcore-go/netcore/test/e2e/internal/server"
)

// A framing is a listener of framingsYAML, and what clients send it: the echo is
// the same bytes.
type framing struct {
	name string
	wire []byte
}

const framingsYAML = `
listeners:
  - {name: length32, protocol: tcp, address: 127.0.0.1:0, handler: echo}
  - {name: line, protocol: tcp, address: 127.0.0.1:0, handler: echo, options: {framing: line}}
  - {name: raw, protocol: tcp, address: 127.0.0.1:0, handler: echo, options: {framing: raw}}
`

func framings() []framing {
	var length32 []byte
	for _, text := range []string{"a first message", "", "and a longer one, which is cut everywhere"} {
		length32 = binary.BigEndian.AppendUint32(length32, uint32(len(text)))
		length32 = append(length32, text...)
	}
	return []framing{
		{"length32", length32},
		{"line", []byte("a first line\n\nand a longer one, which is cut everywhere\n")},
		{"raw", []byte("bytes without any boundaries")},
	}
}

// address is that of a listener.
func address(t *testing.T, s *server.Server, listener string) string {
	t.Helper()
	st, err := s.Status()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range st.Listeners {
		if l.Name == listener {
			return l.Address
		}
	}
	t.Fatalf("no listener %s in %+v", listener, st.Listeners)
	return ""
}

func connect(t *testing.T, address string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(server.Patience)); err != nil {
		t.Fatal(err)
	}
	return c.(*net.TCPConn)
}

// halfFrame connects a client that has sent half a frame.
func halfFrame(t *testing.T, s *server.Server) *net.TCPConn {
	t.Helper()
	c := connect(t, s.Address)
	whole := framings()[0].wire
	if _, err := c.Write(whole); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, make([]byte, len(whole))); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(whole[:5]); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestCutAtEveryOffset has one client for each offset stop there, swaps a plugin
// in the gap, and lets them go on. What comes back is what comes without a swap.
func TestCutAtEveryOffset(t *testing.T) {
	for _, plugin := range []string{"tcp", "echo"} {
		t.Run(plugin, func(t *testing.T) {
			s := start(t, framingsYAML)
			for _, f := range framings() {
				addr := address(t, s, f.name)
				without := transcripts(t, addr, f.wire, func() {})
				with := transcripts(t, addr, f.wire, func() {
					if r, err := s.Swap(plugin, ""); err != nil || r.Remaining != 0 {
						t.Errorf("swap: %+v, %v", r, err)
					}
				})
				for i := range with {
					if !bytes.Equal(with[i], without[i]) || !bytes.Equal(with[i], f.wire) {
						t.Errorf("%s cut behind byte %d: with a swap %q, without %q, want %q", f.name, i, with[i], without[i], f.wire)
					}
				}
				t.Logf("%s swapped with %d clients in mid-message: %s: transcripts equal", plugin, len(with), f.name)
			}
		})
	}
}

// transcripts returns what clients get back that stop behind 0, 1, 2 … bytes
// while gap runs.
func transcripts(t *testing.T, addr string, wire []byte, gap func()) [][]byte {
	t.Helper()
	clients := make([]*net.TCPConn, len(wire)+1)
	for i := range clients {
		clients[i] = connect(t, addr)
		if _, err := clients[i].Write(wire[:i]); err != nil {
			t.Fatal(err)
		}
	}
	gap()
	got := make([][]byte, len(clients))
	for i, c := range clients {
		if _, err := c.Write(wire[i:]); err != nil {
			t.Errorf("client %d: %v", i, err)
		}
	}
	for i, c := range clients {
		if err := c.CloseWrite(); err != nil {
			t.Errorf("client %d: %v", i, err)
		}
		var err error
		if got[i], err = io.ReadAll(c); err != nil {
			t.Errorf("client %d: %v", i, err)
		}
	}
	return got
}

// drip is the pause between two bytes of a slow client.
const drip = 5 * time.Millisecond

// TestSlowClients swaps both plugins again and again while clients send a byte
// at a time.
func TestSlowClients(t *testing.T) {
	s := start(t, framingsYAML)
	var slow sync.WaitGroup
	errs := make(chan error, 3*8) // capacity: one of each client
	for _, f := range framings() {
		for range 8 {
			c := connect(t, address(t, s, f.name))
			slow.Go(func() { errs <- dripAndCompare(c, bytes.Repeat(f.wire, 6)) })
		}
	}
	over := make(chan struct{})
	go func() { // ends with the clients
		slow.Wait()
		close(over)
	}()
	swaps := 0
	for running := true; running; swaps++ {
		if r, err := s.Swap([]string{"tcp", "echo"}[swaps%2], ""); err != nil || r.Remaining != 0 {
			t.Errorf("swap %d: %+v, %v", swaps, r, err)
		}
		select {
		case <-over:
			running = false
		default:
		}
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d clients sent a byte each %v across %d swaps: transcripts equal", cap(errs), drip, swaps)
}

func dripAndCompare(c *net.TCPConn, wire []byte) error {
	ticker := time.NewTicker(drip)
	defer ticker.Stop()
	for i := range wire {
		<-ticker.C
		if _, err := c.Write(wire[i : i+1]); err != nil {
			return fmt.Errorf("byte %d: %w", i, err)
		}
	}
	if err := c.CloseWrite(); err != nil {
		return err
	}
	got, err := io.ReadAll(c)
	if err == nil && !bytes.Equal(got, wire) {
		err = fmt.Errorf("got %q, want %q", got, wire)
	}
	return err
}
