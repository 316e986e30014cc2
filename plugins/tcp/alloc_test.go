package tcp_test

import (
	"strings"
	"testing"

	"github.com/netcore-go/netcore/sdk"
)

var codecs = []struct {
	name    string
	options string
	in      string
}{
	{"length32", `{"framing": "length32"}`, frame(strings.Repeat("x", 64))},
	{"line", `{"framing": "line"}`, strings.Repeat("x", 64) + "\r\n"},
	{"raw", `{"framing": "raw"}`, strings.Repeat("x", 64)},
}

// roundTrip decodes the one message of in and encodes it to dst.
func roundTrip(t testing.TB, s *sdk.Stream, c sdk.Codec, in, dst []byte) []byte {
	m, n, ok, err := c.Decode(s, in)
	if n != len(in) || !ok || err != nil {
		t.Fatalf("Decode() = %d, %v, %v, want %d, true, nil", n, ok, err, len(in))
	}
	dst, err = c.Encode(dst[:0], m)
	if err != nil {
		t.Fatalf("Encode: %v", err)
	}
	return dst
}

func TestMessageTakesNoMemory(t *testing.T) {
	for _, tt := range codecs {
		s, c := open(t, tt.options)
		in, dst := []byte(tt.in), make([]byte, 0, 256)
		if got := testing.AllocsPerRun(1000, func() { dst = roundTrip(t, s, c, in, dst) }); got != 0 {
			t.Errorf("%s: %v allocations a message, want 0", tt.name, got)
		}
	}
}

// TestConnectionTakesNoMemory: idle connections are many; the framings without
// state must not pay for them.
func TestConnectionTakesNoMemory(t *testing.T) {
	for _, framing := range []string{"length32", "raw"} {
		p, err := withOptions(`{"framing": "` + framing + `"}`)
		if err != nil {
			t.Fatal(err)
		}
		s := sdk.NewStream(nil, nil, nil)
		var c sdk.Codec
		if got := testing.AllocsPerRun(1000, func() { c, err = p.Open(s) }); got != 0 || c == nil || err != nil {
			t.Errorf("%s: Open: %v allocations, %v, want 0", framing, got, err)
		}
	}
}

func BenchmarkMessage(b *testing.B) {
	for _, bb := range codecs {
		b.Run(bb.name, func(b *testing.B) {
			s, c := open(b, bb.options)
			in, dst := []byte(bb.in), make([]byte, 0, 256)
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				dst = roundTrip(b, s, c, in, dst)
			}
		})
	}
}

// BenchmarkLineInPieces shows that a long line that trickles in is scanned once.
func BenchmarkLineInPieces(b *testing.B) {
	in := []byte(strings.Repeat("x", 1<<20-1) + "\n")
	s, c := open(b, `{"framing": "line"}`)
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		for end := 1 << 10; end <= len(in); end += 1 << 10 {
			if _, _, _, err := c.Decode(s, in[:end]); err != nil {
				b.Fatal(err)
			}
		}
	}
}
