package link_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/netcore-go/netcore/sdk/link"
)

// seeds are batches, whole and not.
func seeds() [][]byte {
	headers := link.AppendHeader(link.AppendHeader(nil, ":path", "/"), "", []byte("empty key"))
	var batch []byte
	for _, f := range []link.Frame{
		{Kind: link.Data, Type: 1, Conn: 1, Epoch: 1, Aux: 5, Headers: headers, Payload: []byte("hello")},
		{Kind: link.Data, Flags: link.More, Payload: make([]byte, link.MaxChunk)},
		{Kind: link.Close, Flags: link.Done, Conn: 1<<64 - 1, Epoch: 1<<32 - 1, N: 3},
		{Kind: link.Room, Aux: link.RoomBroadcast, Headers: link.AppendHeader(nil, "room", "lobby")},
	} {
		batch = link.AppendFrame(batch, &f)
	}
	return [][]byte{
		batch, batch[:len(batch)-1], batch[:40], nil, {1, 0, 0, 0}, {0xff, 0xff, 0xff, 0xff, 2},
		append(bytes.Clone(batch), batch...), binary.LittleEndian.AppendUint32(nil, link.MaxFrame),
	}
}

// FuzzNext: what is accepted is what an encoder makes of it, and takes no more
// than is there.
func FuzzNext(f *testing.F) {
	for _, s := range seeds() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var frame link.Frame
		rest, err := link.Next(b, &frame)
		if err != nil {
			var bad *link.MalformedError
			if !errors.As(err, &bad) || rest != nil {
				t.Fatalf("Next() = %d bytes, %v, want nil and a MalformedError", len(rest), err)
			}
			return
		}
		used := b[:len(b)-len(rest)]
		if frame.Size() != len(used) {
			t.Fatalf("Size() = %d, want %d", frame.Size(), len(used))
		}
		if again := link.AppendFrame(nil, &frame); !bytes.Equal(again, used) {
			t.Fatalf("AppendFrame(Next(b)) = %x, want %x", again, used)
		}
		if cap(frame.Payload) != len(frame.Payload) || cap(frame.Headers) != len(frame.Headers) {
			t.Fatal("an append to Headers or Payload would reach what is behind it")
		}
	})
}

// FuzzHeaders: what is accepted is what an encoder makes of it, pair by pair.
func FuzzHeaders(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(link.AppendHeader(link.AppendHeader(nil, "key", "value"), "", ""))
	f.Add([]byte{1, 0, 'k', 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{0xff, 0xff})
	f.Fuzz(func(t *testing.T, block []byte) {
		var again []byte
		want := make(map[string]string)
		bad := false
		for rest := block; len(rest) > 0 && !bad; {
			k, v, next, err := link.NextHeader(rest)
			if bad = err != nil; !bad {
				again = link.AppendHeader(again, string(k), v)
				want[string(k)] = string(v)
				rest = next
			}
		}
		h, err := link.Headers(block)
		if (err != nil) != bad || err == nil && len(h) != len(want) {
			t.Fatalf("Headers() = %v, %v, pair by pair %v, bad = %v", h, err, want, bad)
		}
		if !bytes.HasPrefix(block, again) || !bad && len(again) != len(block) {
			t.Fatalf("encoded again: %x, want %x", again, block)
		}
	})
}

// FuzzBatch: however a stream is cut, the unix reader hands on its whole frames
// and nothing else, and ends with an error if something is wrong or left over.
func FuzzBatch(f *testing.F) {
	small := link.AppendFrame(nil, &link.Frame{Kind: link.Data, Payload: []byte("hello")})
	f.Add(append(bytes.Clone(small), small...), uint8(7))
	f.Add(small[:len(small)-1], uint8(1))
	f.Add(append(bytes.Clone(small), 39, 0, 0, 0), uint8(45))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 2}, uint8(3))
	f.Fuzz(func(t *testing.T, stream []byte, cut uint8) {
		if len(stream) > 1<<10 {
			return // each piece is a system call or two
		}
		x, y := sockets(t)
		written := make(chan struct{})
		go func() { // ends when all is written, or the reader has gone
			defer close(written)
			defer y.Close()
			for part := range slices.Chunk(stream, max(1, int(cut))) {
				if _, err := y.Write(part); err != nil {
					return
				}
			}
		}()
		var got []byte
		err := newUnix(t, x).Run(func(batch []byte) error {
			if err := link.CheckBatch(batch); err != nil {
				t.Errorf("a batch that is none: %v", err)
			}
			got = append(got, batch...)
			return nil
		})
		<-written
		if !bytes.HasPrefix(stream, got) {
			t.Fatalf("read %x of %x", got, stream)
		}
		if whole := link.CheckBatch(stream) == nil; whole != (err == nil) || whole && len(got) != len(stream) {
			t.Fatalf("Run() = %v with %d bytes of %d, whole = %v", err, len(got), len(stream), whole)
		}
	})
}
