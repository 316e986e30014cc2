package streamhost_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/netcore-go/netcore/sdk/internal/streamhost"
	"github.com/netcore-go/netcore/sdk/link"
)

func TestEcho(t *testing.T) {
	sizes := []int{0, 1, 100, link.MaxChunk, link.MaxChunk + 1, 3 * link.MaxChunk, 64<<10 - 5, 64 << 10, 300_000, 3 << 20}
	for _, network := range []string{"tcp", "unix"} {
		for _, noNeed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/noNeed=%v", network, noNeed), func(t *testing.T) {
				k := newKernel(t, protocol{noNeed: noNeed}, nil)
				k.on, k.silent = echo, true
				client, _ := k.open(1, network, wideMessages, wideBytes)
				for _, n := range sizes {
					f := frame(kindMessage, strings.Repeat("x", n))
					go client.Write(f) // ends when the echo has been read
					expect(t, client, string(f))
				}
				all := ""
				for i := range 1000 {
					all += string(frame(kindMessage, strings.Repeat("y", i)))
				}
				go client.Write([]byte(all))
				expect(t, client, all)
			})
		}
	}
}

func TestEchoByteByByte(t *testing.T) {
	k := newKernel(t, protocol{}, nil)
	k.on = echo
	client, _ := k.openWide(1)
	for _, b := range append(frame(kindMessage, "slow"), frame(kindMessage, "")...) {
		write(t, client, []byte{b})
	}
	expect(t, client, string(frame(kindMessage, "slow"))+string(frame(kindMessage, "")))
	if f := k.await(1, link.Data, 2); f.Aux != 14 || len(f.Payload) != 0 {
		t.Errorf("second DATA = %s, want aux 14 and no payload", line(&f))
	}
}

func TestFramesOfAMessage(t *testing.T) {
	k := newKernel(t, protocol{}, nil)
	client, _ := k.openWide(1)
	long := strings.Repeat("z", link.MaxChunk)
	write(t, client, frame(kindHeaders, long+"tail"))
	write(t, client, frame(kindStream, "\x07abc"))
	frames := k.until(1, "two messages", func(f []link.Frame) bool { return len(f) == 3 })
	want := "DATA e1 n16398 flags 1 16384 bytes\n" + // 2 + 3 + 4 bytes around a value of 16388
		"DATA e1 n0 stream 0 aux 16393 \"tail\"\n" +
		"DATA e1 n0 stream 7 aux 16402 \"\\aabc\"\n"
	if got := transcript(frames); got != strings.ReplaceAll(want, "n16398", "n16397") {
		t.Errorf("frames:\n%swant:\n%s", got, want)
	}
	if h, err := link.Headers(frames[0].Headers); err != nil || h["key"] != long+"tail" {
		t.Errorf("headers of %d bytes, %v, want the key", len(frames[0].Headers), err)
	}
}

func TestHeadersAndStreamsToThePeer(t *testing.T) {
	k := newKernel(t, protocol{streams: true}, nil)
	client, _ := k.openWide(1)
	data := func(stream uint64, flags link.Flags, payload, key string) link.Frame {
		f := link.Frame{Kind: link.Data, Flags: flags, Conn: 1, Epoch: 1, Stream: stream, Payload: []byte(payload)}
		if key != "" {
			f.Headers = link.AppendHeader(nil, "key", key)
		}
		return f
	}
	k.send(
		data(1, link.More, "one ", "v"), // parts of two messages alternate
		data(2, link.More, "two ", ""),
		data(3, 0, "three", "w"),
		data(1, 0, "end", ""),
		data(2, link.More, "and ", ""),
		data(2, 0, "end", ""),
		link.Frame{Kind: link.Ack, Flags: link.Done, Conn: 1, Epoch: 1, Stream: 2, N: 1})
	want := string(frame(kindHeaders, "three")) + string(frame(kindHeaders, "one end")) + string(frame(kindMessage, "two and end")) + "end 2."
	expect(t, client, want)
	frames := k.until(1, "WRITTEN", func(f []link.Frame) bool { return len(f) == 1 })
	if got, want := transcript(frames), fmt.Sprintf("WRITTEN e1 n3 stream 0 aux %d\n", len(want)); got != want {
		t.Errorf("frames:\n%swant:\n%s", got, want)
	}
}

func TestLoops(t *testing.T) {
	k := newKernel(t, protocol{}, nil, streamhost.WithLoops(4))
	k.on, k.silent = echo, true
	for conn := uint64(1); conn <= 16; conn++ {
		client, _ := k.openWide(conn)
		msg := frame(kindMessage, fmt.Sprint(conn))
		for range 10 {
			write(t, client, msg)
			expect(t, client, string(msg))
		}
	}
}
