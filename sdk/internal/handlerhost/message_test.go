package handlerhost_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/link"
)

func echo(c sdk.Connection, m sdk.Message) { _ = c.SendMessage(m) }

func TestEchoInlineIsOneFrame(t *testing.T) {
	k := serve(t, &funcs{inline: true, message: echo})
	k.send(bind(7, 0, nil), data(7, 0, "hello"))
	f := k.next(link.Data)
	if string(f.Payload) != "hello" || f.Flags != link.Acked || f.Aux != 5 || f.Type != 1 || f.Conn != 7 || f.Epoch != 1 {
		t.Errorf("reply = %+v, want hello with ACK of 5 bytes", f)
	}
	k.quiet()
}

func TestEchoQueued(t *testing.T) {
	k := serve(t, &funcs{message: echo})
	k.send(bind(7, 0, nil), data(7, 0, "hello"))
	if f := k.next(link.Data); string(f.Payload) != "hello" || f.Flags != 0 {
		t.Errorf("reply = %+v, want hello", f)
	}
	if f := k.next(link.Ack); f.N != 1 || f.Aux != 5 || f.Flags != 0 {
		t.Errorf("ack = %+v, want 1 of 5 bytes", f)
	}
}

func TestStreamIsAnswered(t *testing.T) {
	modes(t, func(t *testing.T, inline bool) {
		k := serve(t, &funcs{inline: inline, message: func(c sdk.Connection, m sdk.Message) { _ = c.Send(m.Data) }})
		k.send(bind(7, 0, nil), data(7, 3, "abc"))
		if f := k.next(link.Data); f.Stream != 3 || f.Flags != 0 {
			t.Errorf("reply = %+v, want stream 3", f)
		}
		if f := k.next(link.Ack); f.Stream != 3 || f.Flags != link.Done || f.N != 1 || f.Aux != 3 {
			t.Errorf("ack = %+v, want DONE of stream 3", f)
		}
	})
}

func TestStreamWithoutReplyIsDone(t *testing.T) {
	modes(t, func(t *testing.T, inline bool) {
		k := serve(t, &funcs{inline: inline})
		k.send(bind(7, 0, nil), data(7, 3, "abc"))
		if f := k.next(link.Ack); f.Stream != 3 || f.Flags != link.Done || f.N != 1 || f.Aux != 3 {
			t.Errorf("ack = %+v, want DONE of stream 3", f)
		}
	})
}

func TestOrder(t *testing.T) {
	modes(t, func(t *testing.T, inline bool) {
		var got []string
		done := make(chan struct{})
		k := serve(t, &funcs{
			inline:  inline,
			connect: func(sdk.Connection) { got = append(got, "connect") },
			message: func(_ sdk.Connection, m sdk.Message) { got = append(got, string(m.Data)) },
			disconnect: func(_ sdk.Connection, err error) {
				got = append(got, err.Error())
				close(done)
			},
		})
		want := []string{"connect"}
		frames := []link.Frame{bind(1, 0, nil)}
		for i := range 200 {
			s := strings.Repeat("x", i)
			want = append(want, s)
			frames = append(frames, data(1, 0, s))
		}
		want = append(want, sdk.ErrReset.Error())
		k.send(append(frames, unbind(1, 0, link.CauseReset))...)
		wait(t, done)
		equal(t, "calls", got, want)
		acked, bytes := uint32(0), uint64(0)
		for acked < 200 {
			f := k.next(link.Ack)
			acked += f.N
			bytes += f.Aux
		}
		if acked != 200 || bytes != 199*200/2 {
			t.Errorf("acknowledged %d of %d bytes, want 200 of %d", acked, bytes, 199*200/2)
		}
		k.next(link.Unbind)
		if n := k.part.Connections(); n != 0 {
			t.Errorf("Connections() = %d, want 0", n)
		}
	})
}

func TestAcksOfABatchAreMergedInline(t *testing.T) {
	k := serve(t, &funcs{inline: true})
	k.send(bind(1, 0, nil), data(1, 0, "a"), data(1, 0, "bc"), data(1, 0, "def"))
	if f := k.next(link.Ack); f.N != 3 || f.Aux != 6 {
		t.Errorf("ack = %+v, want 3 of 6 bytes", f)
	}
	k.quiet()
}

func TestOnlyTheLastSendCarriesTheAck(t *testing.T) {
	k := serve(t, &funcs{inline: true, message: func(c sdk.Connection, m sdk.Message) {
		_ = c.Send([]byte("one"))
		_ = c.Send([]byte("two"))
	}})
	k.send(bind(1, 0, nil), data(1, 0, "question"))
	if f := k.next(link.Data); string(f.Payload) != "one" || f.Flags != 0 {
		t.Errorf("first = %+v, want one without ACK", f)
	}
	if f := k.next(link.Data); string(f.Payload) != "two" || f.Flags != link.Acked || f.Aux != 8 {
		t.Errorf("second = %+v, want two with ACK", f)
	}
}

func TestHold(t *testing.T) {
	modes(t, func(t *testing.T, inline bool) {
		for _, stream := range []uint64{0, 9} {
			releases := make(chan func(), 1)
			k := serve(t, &funcs{inline: inline, message: func(c sdk.Connection, m sdk.Message) {
				if string(m.Data) == "hold" {
					_ = c.Send([]byte("later"))
					releases <- sdk.Hold(c)
				}
			}})
			k.send(bind(1, 0, nil), data(1, stream, "hold"), data(1, stream, "x"))
			if f := k.next(link.Data); f.Flags != 0 || f.Stream != stream {
				t.Errorf("stream %d: reply of a held message = %+v, want no flags", stream, f)
			}
			if f := k.next(link.Ack); f.N != 1 || f.Aux != 1 {
				t.Errorf("stream %d: ack = %+v, want that of x", stream, f)
			}
			k.quiet()
			release := wait(t, releases)
			release()
			release()
			if f := k.next(link.Ack); f.N != 1 || f.Aux != 4 || f.Stream != stream {
				t.Errorf("stream %d: ack = %+v, want that of hold", stream, f)
			}
			k.quiet()
			k.end()
		}
	})
}

func TestChunks(t *testing.T) {
	modes(t, func(t *testing.T, inline bool) {
		k := serve(t, &funcs{inline: inline, message: echo})
		big := strings.Repeat("0123456789", 5000) // four chunks
		first := data(1, 2, big[:16384])
		first.Flags, first.Headers = link.More, link.AppendHeader(nil, "key", "value")
		second := data(1, 2, big[16384:32768])
		second.Flags = link.More
		third := data(1, 2, big[32768:49152])
		third.Flags = link.More
		k.send(bind(1, 0, nil), first, data(1, 0, "between"), second, third, data(1, 2, big[49152:]))
		var whole, between string
		for between == "" || len(whole) < len(big) {
			f := wait(t, k.frames)
			switch {
			case f.Kind == link.Ack:
			case f.Stream == 0:
				between += string(f.Payload)
			default:
				if h, err := link.Headers(f.Headers); err != nil || (whole == "") != (h["key"] == "value") {
					t.Errorf("headers = %v, %v at offset %d", h, err, len(whole))
				}
				whole += string(f.Payload)
				if more := f.Flags&link.More != 0; more != (len(whole) < len(big)) {
					t.Errorf("MORE = %v at offset %d", more, len(whole))
				}
			}
		}
		if whole != big || between != "between" {
			t.Errorf("got %d bytes and %q, want %d and between", len(whole), between, len(big))
		}
	})
}

func TestTooLargeMessageClosesItsConnection(t *testing.T) {
	modes(t, func(t *testing.T, inline bool) {
		k := serve(t, &funcs{inline: inline, message: func(sdk.Connection, sdk.Message) { t.Error("OnMessage was called") }})
		k.send(bind(1, 0, nil))
		chunk := data(1, 0, strings.Repeat("x", link.MaxChunk))
		chunk.Flags = link.More
		for range 64 << 20 / link.MaxChunk {
			k.send(chunk)
		}
		k.send(data(1, 0, "x"))
		if f := k.next(link.Close); f.N != link.CauseTooLarge {
			t.Errorf("cause = %d, want too large", f.N)
		}
		if f := k.next(link.Ack); f.Aux != 64<<20+1 {
			t.Errorf("ack = %+v, want all bytes", f)
		}
	})
}

func TestStreamsRunBesideEachOther(t *testing.T) {
	var both sync.WaitGroup
	both.Add(2)
	k := serve(t, &funcs{message: func(sdk.Connection, sdk.Message) {
		both.Done()
		both.Wait() // returns only if the other one runs, too
	}})
	k.send(bind(1, 0, nil), data(1, 1, "a"), data(1, 2, "b"), unbind(1, 0, 0))
	k.next(link.Ack)
	k.next(link.Ack)
	k.next(link.Unbind)
}

func TestStreamsWaitForOnConnectAndEndWaitsForStreams(t *testing.T) {
	connect, message := make(chan struct{}), make(chan struct{})
	calls := make(chan string, 10)
	k := serve(t, &funcs{
		connect:    func(sdk.Connection) { <-connect; calls <- "connect" },
		message:    func(_ sdk.Connection, m sdk.Message) { <-message; calls <- string(m.Data) },
		disconnect: func(sdk.Connection, error) { calls <- "disconnect" },
	})
	k.send(bind(1, 0, nil), data(1, 5, "first"), data(1, 5, "second"), unbind(1, 0, 0))
	close(connect)
	if got := wait(t, calls); got != "connect" {
		t.Errorf("first call = %s, want connect", got)
	}
	k.quiet()
	close(message)
	equal(t, "calls", []string{wait(t, calls), wait(t, calls), wait(t, calls)}, []string{"first", "second", "disconnect"})
	k.next(link.Ack)
	k.next(link.Ack)
	k.next(link.Unbind)
}

func TestStaleAndForeignFramesAreIgnored(t *testing.T) {
	modes(t, func(t *testing.T, inline bool) {
		k := serve(t, &funcs{inline: inline, message: echo})
		stale := data(1, 0, "stale")
		stale.Epoch = 2
		k.send(bind(1, 0, nil), stale, data(2, 0, "foreign"), unbind(3, 0, 0), data(1, 0, "mine"))
		if f := k.next(link.Data); string(f.Payload) != "mine" {
			t.Errorf("reply = %q, want mine", f.Payload)
		}
	})
}

func TestViolationsEndTheHost(t *testing.T) {
	bad := data(1, 0, "")
	bad.Headers = []byte{1}
	tests := []struct {
		name  string
		frame link.Frame
	}{
		{"kind", link.Frame{Kind: link.Open, Conn: 1, Epoch: 1}},
		{"headers", bad},
		{"binding", link.Frame{Kind: link.Bind, Conn: 2, Epoch: 1, Payload: []byte{0xff}}},
		{"bound twice", bind(1, 0, nil)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := serve(t, &funcs{inline: true})
			k.send(bind(1, 0, nil))
			if err := k.part.Handle(&tt.frame); err == nil {
				t.Errorf("Handle() = nil, want an error")
			}
		})
	}
}
