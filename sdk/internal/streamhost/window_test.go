package streamhost_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netcore-go/netcore/sdk/internal/streamhost"
	"github.com/netcore-go/netcore/sdk/link"
)

// numbered returns n messages that say which they are.
func numbered(n int) (all []byte) {
	for i := range n {
		all = append(all, frame(kindMessage, fmt.Sprintf("%06d", i))...)
	}
	return all
}

func countData(frames []link.Frame) (n int) {
	for _, f := range frames {
		if f.Kind == link.Data && f.Flags&link.More == 0 {
			n++
		}
	}
	return n
}

// settled is the number of messages when a marker of another connection, sent
// later, has come back: the loop has had its turn since.
func (k *kernel) settled(conn uint64, marker net.Conn, markerConn uint64, round int) int {
	k.t.Helper()
	write(k.t, marker, frame(kindMessage, "marker"))
	k.await(markerConn, link.Data, round)
	frames, _ := k.seen(conn)
	return countData(frames)
}

func TestWindow(t *testing.T) {
	for _, tt := range []struct {
		name     string
		messages uint32
		bytes    uint64
		first    int
	}{
		{"of messages", 10, wideBytes, 10},
		{"of bytes", wideMessages, 60, 10},
		{"of bytes, not a multiple", wideMessages, 61, 11},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := newKernel(t, protocol{}, nil)
			client, _ := k.open(1, "unix", tt.messages, tt.bytes)
			marker, _ := k.openWide(2)
			write(t, client, numbered(1000))
			k.until(1, "full window", func(f []link.Frame) bool { return countData(f) >= tt.first })
			if got := k.settled(1, marker, 2, 1); got != tt.first {
				t.Fatalf("%d messages came, want %d", got, tt.first)
			}
			k.send(link.Frame{Kind: link.Ack, Conn: 1, Epoch: 1, N: 3, Aux: 18})
			if got := k.settled(1, marker, 2, 2); got != tt.first+3 {
				t.Fatalf("%d messages came after ACK, want %d", got, tt.first+3)
			}
			for n := tt.first + 3; n < 1000; n++ {
				k.send(link.Frame{Kind: link.Ack, Conn: 1, Epoch: 1, N: 1, Aux: 6})
			}
			frames := k.until(1, "all messages", func(f []link.Frame) bool { return countData(f) == 1000 })
			for i, f := range frames {
				if want := fmt.Sprintf("%06d", i); string(f.Payload) != want || f.Aux != uint64(11*(i+1)) {
					t.Fatalf("message %d = %s", i, line(&f))
				}
			}
		})
	}
}

func TestBudget(t *testing.T) {
	k := newKernel(t, protocol{}, nil)
	const limit = 100_000
	streamhost.SetBudget(k.host, limit)
	var clients []net.Conn
	const conns, each, size = 8, 100, 1000
	msg := frame(kindMessage, strings.Repeat("x", size))
	for i := range conns {
		client, _ := k.open(uint64(i+1), "tcp", wideMessages, wideBytes)
		clients = append(clients, client)
	}
	for _, c := range clients {
		write(t, c, bytes.Repeat(msg, each))
	}
	acked := make([]int, conns)
	late := time.After(patience)
	for done := 0; done < conns*each; {
		_, more := k.seen(0)
		done = 0
		for i := range conns {
			frames, _ := k.seen(uint64(i + 1))
			n := countData(frames)
			done += n
			if n > acked[i] {
				k.send(link.Frame{Kind: link.Ack, Conn: uint64(i + 1), Epoch: 1, N: uint32(n - acked[i]), Aux: uint64((n - acked[i]) * size)})
				acked[i] = n
			}
		}
		if used := streamhost.BudgetUsed(k.host); used > limit+conns*64<<10 {
			t.Fatalf("%d bytes are with the kernel, limit %d", used, limit)
		}
		if done == conns*each {
			break
		}
		select {
		case <-more:
		case <-time.After(10 * time.Millisecond): // all had come before seen
		case <-late:
			t.Fatalf("%d of %d messages came", done, conns*each)
		}
	}
	for i := range conns {
		frames, _ := k.seen(uint64(i + 1))
		if n := countData(frames) - acked[i]; n > 0 {
			k.send(link.Frame{Kind: link.Ack, Conn: uint64(i + 1), Epoch: 1, N: uint32(n), Aux: uint64(n * size)})
		}
	}
	for !k.link.Drained() {
		runtime.Gosched()
	}
	if used := streamhost.BudgetUsed(k.host); used != 0 {
		t.Errorf("%d bytes are with the kernel in the end, want 0", used)
	}
}

func TestBudgetStopsAll(t *testing.T) {
	k := newKernel(t, protocol{}, nil)
	streamhost.SetBudget(k.host, 1000)
	a, _ := k.openWide(1)
	b, _ := k.openWide(2)
	write(t, a, frame(kindMessage, strings.Repeat("x", 2000)))
	k.await(1, link.Data, 1)
	write(t, b, frame(kindMessage, "waits"))
	write(t, a, frame(kindMessage, "waits too"))
	k.send(link.Frame{Kind: link.Ack, Conn: 1, Epoch: 1, Aux: 1249}) // 751 are left, above three quarters
	if frames, _ := k.seen(2); len(frames) != 0 {
		t.Fatalf("frames:\n%swant none", transcript(frames))
	}
	k.send(link.Frame{Kind: link.Ack, Conn: 1, Epoch: 1, N: 1, Aux: 751})
	k.await(2, link.Data, 1)
	k.await(1, link.Data, 2)
}

func TestSlowReader(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			k := newKernel(t, protocol{}, nil)
			client, _ := k.open(1, network, wideMessages, wideBytes)
			var want []byte
			const n = 400
			for i := range n {
				payload := bytes.Repeat([]byte{byte(i)}, link.MaxChunk)
				want = append(want, frame(kindMessage, string(payload))...)
				k.send(link.Frame{Kind: link.Data, Conn: 1, Epoch: 1, Payload: payload})
			}
			// It cannot move while output is pending.
			k.send(link.Frame{Kind: link.Prepare, Conn: 1, Epoch: 1})
			if f := k.await(1, link.Prepared, 1); f.Flags != link.Refused || string(f.Payload) != "slow reader" {
				t.Errorf("PREPARED = %s, want slow reader", line(&f))
			}
			// What comes from it still passes.
			write(t, client, frame(kindMessage, "ping"))
			k.await(1, link.Data, 1)
			got := make([]byte, len(want))
			if _, err := io.ReadFull(client, got); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("client read %v, or other bytes", err)
			}
			frames := k.until(1, "all WRITTEN", func(frames []link.Frame) bool {
				sum := uint32(0)
				for _, f := range frames {
					if f.Kind == link.Written {
						sum += f.N
					}
				}
				return sum == n
			})
			if f := frames[len(frames)-1]; f.Kind != link.Written || f.Aux != uint64(len(want)) {
				t.Errorf("last frame = %s, want WRITTEN at %d", line(&f), len(want))
			}
			k.send(link.Frame{Kind: link.Prepare, Conn: 1, Epoch: 1})
			if f := k.await(1, link.Prepared, 2); f.Flags != 0 {
				t.Errorf("PREPARED = %s, want it prepared", line(&f))
			}
		})
	}
}

func TestCloseOfASlowReader(t *testing.T) {
	k := newKernel(t, protocol{}, nil)
	client, _ := k.open(1, "unix", wideMessages, wideBytes)
	const n = 100
	for range n {
		k.send(link.Frame{Kind: link.Data, Conn: 1, Epoch: 1, Payload: make([]byte, link.MaxChunk)})
	}
	k.send(closeFrame(1, 0, 0))
	got, err := io.ReadAll(client)
	if want := n*(frameHead+link.MaxChunk) + len("bye <nil>"); err != nil || len(got) != want {
		t.Errorf("client read %d bytes, %v, want %d", len(got), err, want)
	}
	client.Close()
	k.awaitClose(1, 1, link.CauseNone, link.Done)
}

func TestManyConnections(t *testing.T) {
	const conns = 2000
	k := newKernel(t, protocol{}, nil)
	k.silent = true
	var messages, closed atomic.Int64
	done := make(chan struct{})
	k.on = func(k *kernel, f *link.Frame) {
		echo(k, f)
		switch {
		case f.Kind == link.Data:
			messages.Add(1)
		case f.Kind == link.Close && f.Flags&link.Done != 0 && closed.Add(1) == conns:
			close(done)
		}
	}
	clients := make([]int, conns)
	payload := marshal(t, openPayload(16, 1<<20))
	for i := range clients {
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		clients[i] = fds[0]
		k.fds.push(fds[1])
		k.send(link.Frame{Kind: link.Open, Flags: link.Descriptor, Conn: uint64(i + 1), Epoch: 1, Payload: payload})
	}
	if n := k.host.Connections(); n != conns {
		t.Fatalf("Connections() = %d, want %d", n, conns)
	}
	msg := frame(kindMessage, "hello")
	got := make([]byte, len(msg))
	for range 3 {
		for _, fd := range clients {
			if _, err := unix.Write(fd, msg); err != nil {
				t.Fatal(err)
			}
		}
		for _, fd := range clients {
			if n, err := unix.Read(fd, got); n != len(msg) || err != nil || !bytes.Equal(got, msg) {
				t.Fatalf("client read %q, %v", got[:max(n, 0)], err)
			}
		}
	}
	for _, fd := range clients {
		unix.Close(fd)
	}
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("%d of %d connections have closed", closed.Load(), conns)
	}
	if n := messages.Load(); n != 3*conns {
		t.Errorf("%d messages came, want %d", n, 3*conns)
	}
}

func TestConnectionIsSmall(t *testing.T) {
	if streamhost.ConnSize > 416 {
		t.Errorf("a connection takes %d bytes, want at most 416", streamhost.ConnSize)
	}
	t.Logf("%d bytes", streamhost.ConnSize)
}
