package streamhost_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"

	"github.com/netcore-go/netcore/sdk/link"
	pluginpb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// prepare brings connection 1 to rest and returns its record.
func (k *kernel) prepare(epoch uint32, nth int) *pluginpb.Record {
	k.t.Helper()
	k.send(link.Frame{Kind: link.Prepare, Conn: 1, Epoch: epoch})
	f := k.await(1, link.Prepared, nth)
	if f.Flags != 0 || f.Epoch != epoch {
		k.t.Fatalf("PREPARED = %s %q, want it prepared", line(&f), f.Payload)
	}
	r := &pluginpb.Record{}
	if err := proto.Unmarshal(f.Payload, r); err != nil {
		k.t.Fatal(err)
	}
	return r
}

// offer offers connection 1 to the host, and returns the answer.
func (k *kernel) offer(epoch uint32, fd, nth int, o *pluginpb.Offer) link.Frame {
	k.t.Helper()
	if o.Open == nil {
		o.Open = openPayload(wideMessages, wideBytes)
	}
	k.fds.push(dup(k.t, fd))
	k.send(link.Frame{Kind: link.Offer, Flags: link.Descriptor, Conn: 1, Epoch: epoch, Payload: marshal(k.t, o)})
	return k.await(1, link.Ready, nth)
}

// move moves connection 1 from one host to another.
func move(from, to *kernel, epoch uint32, fd, nth, ready int) *pluginpb.Record {
	r := from.prepare(epoch, nth)
	if f := to.offer(epoch+1, fd, ready, &pluginpb.Offer{Record: r}); f.Flags != 0 {
		from.t.Fatalf("READY = %s", line(&f))
	}
	to.send(link.Frame{Kind: link.Commit, Conn: 1, Epoch: epoch + 1})
	from.send(link.Frame{Kind: link.Release, Conn: 1, Epoch: epoch})
	return r
}

// events are the frames that a client's bytes cause, without those of moving
// and without epochs: messages and states, with their offsets.
func events(frames []link.Frame) (out []string) {
	for _, f := range frames {
		if f.Kind == link.Data || f.Kind == link.State {
			f.Epoch = 0
			out = append(out, line(&f))
		}
	}
	return out
}

// consumedAll waits until the host has taken all bytes off the socket.
func consumedAll(t *testing.T, fd int) {
	t.Helper()
	for range 1 << 22 {
		if n, err := unix.IoctlGetInt(fd, unix.SIOCINQ); err != nil || n == 0 {
			return
		}
		unix.Poll(nil, 1)
	}
	t.Fatal("bytes stay in the socket")
}

// stream is what the moving client sends, and what it reads in the end.
func stream() (sent []byte, want string) {
	sent = append(sent, frame(kindHandshake, "state")...)
	sent = append(sent, frame(kindMessage, "one")...)
	sent = append(sent, frame(kindPing, "p")...)
	sent = append(sent, frame(kindMessage, "")...)
	sent = append(sent, frame(kindSkip, "xx")...)
	sent = append(sent, frame(kindHandshake, "other")...)
	sent = append(sent, frame(kindHeaders, "head")...)
	want = "hstate,op,hother;mone,m,Hhead"
	return sent, want
}

// received reads as many bytes as the stream causes, and returns the codec's own
// answers and the messages, each in order: how they mix depends on timing.
func received(t *testing.T, c net.Conn) string {
	t.Helper()
	b := make([]byte, 6*frameHead+len("state"+"one"+"p"+""+"other"+"head"))
	c.SetReadDeadline(time.Now().Add(patience))
	if n, err := io.ReadFull(c, b); err != nil {
		t.Fatalf("client read %q, %v", b[:n], err)
	}
	var answers, messages []string
	for len(b) >= frameHead {
		end := frameHead + int(binary.BigEndian.Uint32(b))
		f := string(b[4:end])
		b = b[end:]
		if f[0] == kindMessage || f[0] == kindHeaders {
			messages = append(messages, f)
		} else {
			answers = append(answers, f)
		}
	}
	return strings.Join(answers, ",") + ";" + strings.Join(messages, ",")
}

// eventsOf returns the events of sending the stream cut at the given offset,
// with a move at the cut or without.
func eventsOf(t *testing.T, cut int, moves bool) []string {
	a, b := newKernel(t, protocol{saves: true}, nil), newKernel(t, protocol{saves: true}, nil)
	a.on, b.on = echo, echo
	client, fd := a.openWide(1)
	sent, want := stream()
	write(t, client, sent[:cut])
	consumedAll(t, fd)
	a.rest(t) // this kernel keeps no replies for the successor
	last := a
	if moves {
		r := move(a, b, 1, fd, 1, 1)
		if r.Consumed != uint64(cut) {
			t.Fatalf("cut at %d: consumed %d", cut, r.Consumed)
		}
		last = b
	}
	write(t, client, sent[cut:])
	if got := received(t, client); got != want {
		t.Fatalf("cut at %d, moves %v: client read %q, want %q", cut, moves, got, want)
	}
	if err := client.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	frames := last.until(1, "end", hasClose)
	var all []link.Frame
	if moves {
		all, _ = a.seen(1)
	}
	a.shut()
	b.shut()
	return events(append(all, frames...))
}

func hasClose(frames []link.Frame) bool {
	for _, f := range frames {
		if f.Kind == link.Close {
			return true
		}
	}
	return false
}

func TestMoveAtEveryByte(t *testing.T) {
	sent, _ := stream()
	for cut := range len(sent) + 1 {
		with, without := messages(eventsOf(t, cut, true)), messages(eventsOf(t, cut, false))
		if strings.Join(with, "\n") != strings.Join(without, "\n") {
			t.Fatalf("cut at %d, moved:\n%s\nnot moved:\n%s", cut, strings.Join(with, "\n"), strings.Join(without, "\n"))
		}
	}
}

// messages are the DATA events, and the last STATE without its outbound offset:
// when a state is told depends on how bytes and replies fall together.
func messages(events []string) (out []string) {
	state := ""
	for _, e := range events {
		if strings.HasPrefix(e, "STATE") {
			state = e[strings.Index(e, "\""):]
			continue
		}
		out = append(out, e)
	}
	return append(out, "state "+state)
}

func TestMoveBackAndForth(t *testing.T) {
	ks := []*kernel{newKernel(t, protocol{saves: true}, nil), newKernel(t, protocol{saves: true}, nil)}
	ks[0].on, ks[1].on = echo, echo
	client, fd := ks[0].openWide(1)
	msg := frame(kindMessage, "around")
	epoch := uint32(1)
	for round := range 4 {
		for i, c := range msg {
			write(t, client, []byte{c})
			consumedAll(t, fd)
			from, to := ks[(epoch+1)%2], ks[epoch%2]
			from.rest(t)
			n := int(epoch+1) / 2
			r := move(from, to, epoch, fd, n, n)
			if want := uint64(round*len(msg) + i + 1); r.Consumed != want {
				t.Fatalf("consumed %d, want %d", r.Consumed, want)
			}
			epoch++
		}
		expect(t, client, string(msg))
	}
	markers := 4 * len(msg) // of rest
	if n := ks[0].host.Connections() + ks[1].host.Connections() - markers; n != 1 {
		t.Errorf("the hosts hold %d connections besides the markers, want 1", n)
	}
}

func TestMoveWithTheWindowShut(t *testing.T) {
	a, b := newKernel(t, protocol{}, nil), newKernel(t, protocol{}, nil)
	client, fd := a.open(1, "tcp", 2, wideBytes)
	write(t, client, numbered(5))
	a.await(1, link.Data, 2)
	r := a.prepare(1, 1)
	if want := numbered(5)[22:]; !bytes.Equal(r.Unread, want) || r.Consumed != 55 {
		t.Fatalf("unread %q of %d, want three messages of 55", r.Unread, r.Consumed)
	}
	// One is acknowledged between PREPARED and OFFER.
	b.offer(2, fd, 1, &pluginpb.Offer{Open: openPayload(2, wideBytes), Record: r, OutstandingMessages: 1, OutstandingBytes: 6})
	b.send(link.Frame{Kind: link.Commit, Conn: 1, Epoch: 2})
	b.await(1, link.Data, 1)
	b.send(link.Frame{Kind: link.Ack, Conn: 1, Epoch: 2, N: 2, Aux: 12})
	if f := b.await(1, link.Data, 3); f.Aux != 55 || string(f.Payload) != "000004" {
		t.Errorf("last DATA = %s", line(&f))
	}
}

func TestMoveAfterTheInputHasEnded(t *testing.T) {
	a, b := newKernel(t, protocol{}, nil), newKernel(t, protocol{}, nil)
	client, fd := a.openWide(1)
	write(t, client, append(frame(kindMessage, "last"), "half"...))
	if err := client.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	a.awaitClose(1, 1, link.CauseNone, 0)
	if r := move(a, b, 1, fd, 1, 1); !r.InputEnded || len(r.Unread) != 0 || r.Consumed != 13 {
		t.Errorf("record = %v, want the input to have ended", r)
	}
	b.send(link.Frame{Kind: link.Data, Conn: 1, Epoch: 2, Payload: []byte("reply")}, link.Frame{Kind: link.Close, Conn: 1, Epoch: 2})
	expectEnd(t, client, string(frame(kindMessage, "reply"))+"bye <nil>")
	b.awaitClose(1, 1, link.CauseNone, link.Done)
}

func TestResume(t *testing.T) {
	k := newKernel(t, protocol{}, nil)
	k.on = echo
	client, fd := k.openWide(1)
	msg := frame(kindMessage, "message")
	write(t, client, msg[:4])
	consumedAll(t, fd)
	if r := k.prepare(1, 1); !bytes.Equal(r.Unread, msg[:4]) {
		t.Errorf("unread = %q, want %q", r.Unread, msg[:4])
	}
	write(t, client, msg[4:])
	// At rest nothing is written, and nothing is read.
	k.send(link.Frame{Kind: link.Data, Conn: 1, Epoch: 1, Payload: []byte("too late")})
	k.send(link.Frame{Kind: link.Resume, Conn: 1, Epoch: 2})
	expect(t, client, string(msg))
	if f := k.await(1, link.Data, 1); f.Epoch != 2 {
		t.Errorf("DATA = %s, want epoch 2", line(&f))
	}
}

func TestRelease(t *testing.T) {
	a, b := newKernel(t, protocol{}, nil), newKernel(t, protocol{}, nil)
	client, fd := a.openWide(1)
	r := a.prepare(1, 1)
	b.offer(2, fd, 1, &pluginpb.Offer{Record: r})
	b.send(link.Frame{Kind: link.Release, Conn: 1, Epoch: 2})
	a.send(link.Frame{Kind: link.Resume, Conn: 1, Epoch: 3})
	if n := b.host.Connections(); n != 0 {
		t.Errorf("Connections() = %d after RELEASE, want 0", n)
	}
	write(t, client, frame(kindMessage, "alive")) // it was no shutdown
	a.await(1, link.Data, 1)
}

func TestCloseOfAPreparedConnection(t *testing.T) {
	k := newKernel(t, protocol{}, nil)
	client, _ := k.openWide(1)
	k.prepare(1, 1)
	k.send(closeFrame(1, link.CauseOperator, 0))
	expectEnd(t, client, "bye closed by operator")
	client.Close()
	k.awaitClose(1, 1, link.CauseNone, link.Done)
}

func TestPrepareRefused(t *testing.T) {
	for _, tt := range []struct {
		name  string
		p     protocol
		sent  []byte
		first []link.Frame
		want  string
	}{
		{"codec cannot move", protocol{saves: true, pinned: true}, nil, nil, "the codec cannot move now"},
		{"long message", protocol{}, frame(kindMessage, strings.Repeat("x", 400<<10))[:300<<10], nil, "in the middle of a long message"},
		{"part of a message", protocol{}, nil, []link.Frame{{Kind: link.Data, Flags: link.More, Conn: 1, Epoch: 1}}, "a message is arriving in parts"},
		{"failed", protocol{openErr: fmt.Errorf("no")}, nil, nil, "closing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := newKernel(t, tt.p, nil)
			client, fd := k.openWide(1)
			write(t, client, tt.sent)
			if len(tt.sent) > 0 {
				consumedAll(t, fd)
			}
			k.send(tt.first...)
			k.send(link.Frame{Kind: link.Prepare, Conn: 1, Epoch: 1})
			if f := k.await(1, link.Prepared, 1); f.Flags != link.Refused || string(f.Payload) != tt.want {
				t.Errorf("PREPARED flags %d %q, want refused because %q", f.Flags, f.Payload, tt.want)
			}
		})
	}
}

func TestOfferRefused(t *testing.T) {
	good := func() *pluginpb.Record { return &pluginpb.Record{Version: 1} }
	for _, tt := range []struct {
		name string
		p    protocol
		o    *pluginpb.Offer
		want string
	}{
		{"no record", protocol{}, &pluginpb.Offer{}, "the offer is incomplete"},
		{"version", protocol{}, &pluginpb.Offer{Record: &pluginpb.Record{Version: 2}}, "record version 2 is unknown"},
		{"listener", protocol{}, &pluginpb.Offer{Record: good(), Open: &pluginpb.Open{Listener: 9}}, "listener 9 is unknown"},
		{"offsets", protocol{}, &pluginpb.Offer{Record: &pluginpb.Record{Version: 1, Unread: []byte("x")}}, "more bytes are unread than were read"},
		{"codec", protocol{openErr: fmt.Errorf("bad state")}, &pluginpb.Offer{Record: good()}, "bad state"},
		{"panic", protocol{panics: "Open"}, &pluginpb.Offer{Record: good()}, "panic in Open: open"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := newKernel(t, tt.p, nil)
			_, fd := pair(t, "unix")
			defer unix.Close(fd)
			if f := k.offer(5, fd, 1, tt.o); f.Flags != link.Refused || string(f.Payload) != tt.want || f.Epoch != 5 {
				t.Errorf("READY %s %q, want refused because %q", line(&f), f.Payload, tt.want)
			}
			if n := k.host.Connections(); n != 0 {
				t.Errorf("Connections() = %d, want 0", n)
			}
		})
	}
	t.Run("held already", func(t *testing.T) {
		k := newKernel(t, protocol{}, nil)
		_, fd := k.openWide(1)
		if f := k.offer(5, fd, 1, &pluginpb.Offer{Record: good()}); f.Flags != link.Refused {
			t.Errorf("READY = %s, want refused", line(&f))
		}
	})
}
