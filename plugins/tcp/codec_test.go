package tcp_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/netcore-go/netcore/plugins/tcp"
	"github.com/netcore-go/netcore/sdk"
)

const (
	length32 = `{"framing": "length32", "max_message": 16}`
	line     = `{"framing": "line", "max_message": 16}`
	raw      = `{"framing": "raw", "max_message": 16}`
)

// open returns a new stream and its codec.
func open(t testing.TB, options string) (*sdk.Stream, sdk.Codec) {
	t.Helper()
	p, err := tcp.New().(sdk.StreamConfigurer).WithOptions([]byte(options))
	if err != nil {
		t.Fatalf("WithOptions(%s): %v", options, err)
	}
	s := sdk.NewStream(nil, nil, nil)
	c, err := p.Open(s)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	s.Opened()
	return s, c
}

// decodeAll returns the messages that in holds, as strings, and how many bytes
// they used.
func decodeAll(s *sdk.Stream, c sdk.Codec, in []byte) (got []string, used int, err error) {
	for {
		m, n, ok, err := c.Decode(s, in[used:])
		if err != nil || !ok {
			return got, used + n, err
		}
		got = append(got, string(m.Data))
		used += n
	}
}

// frame is the length32 form of messages.
func frame(messages ...string) string {
	var b []byte
	for _, m := range messages {
		b = binary.BigEndian.AppendUint32(b, uint32(len(m)))
		b = append(b, m...)
	}
	return string(b)
}

var full = strings.Repeat("x", 16)

var decodeTests = []struct {
	name    string
	options string
	in      string
	want    []string
	rest    string // what stays unread
	err     error
}{
	{name: "length32 nothing", options: length32},
	{name: "length32 two", options: length32, in: frame("a", "bc"), want: []string{"a", "bc"}},
	{name: "length32 empty message", options: length32, in: frame("", "a"), want: []string{"", "a"}},
	{name: "length32 part of header", options: length32, in: frame("a") + "\x00\x00", want: []string{"a"}, rest: "\x00\x00"},
	{name: "length32 part of payload", options: length32, in: "\x00\x00\x00\x03ab", rest: "\x00\x00\x00\x03ab"},
	{name: "length32 at limit", options: length32, in: frame(full), want: []string{full}},
	{name: "length32 above limit", options: length32, in: "\x00\x00\x00\x11", rest: "\x00\x00\x00\x11", err: sdk.ErrTooLarge},
	{name: "length32 largest length", options: length32, in: "\xff\xff\xff\xff", rest: "\xff\xff\xff\xff", err: sdk.ErrTooLarge},
	{name: "line nothing", options: line},
	{name: "line LF", options: line, in: "a\nbc\n", want: []string{"a", "bc"}},
	{name: "line CRLF", options: line, in: "a\r\nbc\r\n", want: []string{"a", "bc"}},
	{name: "line empty", options: line, in: "\n\r\n", want: []string{"", ""}},
	{name: "line inner CR", options: line, in: "a\rb\r\r\n", want: []string{"a\rb\r"}},
	{name: "line unfinished", options: line, in: "a\nbc\r", want: []string{"a"}, rest: "bc\r"},
	{name: "line at limit", options: line, in: full + "\n" + full + "\r\n", want: []string{full, full}},
	{name: "line above limit", options: line, in: full + "x\n", rest: full + "x\n", err: sdk.ErrTooLarge},
	{name: "line above limit before its end", options: line, in: full + "x", rest: full + "x", err: sdk.ErrTooLarge},
	{name: "line CR above limit", options: line, in: full + "\r", rest: full + "\r"},
	{name: "line CR CR above limit", options: line, in: full + "\r\r", rest: full + "\r\r", err: sdk.ErrTooLarge},
	{name: "raw nothing", options: raw},
	{name: "raw", options: raw, in: "a\nb", want: []string{"a\nb"}},
	{name: "raw above limit", options: raw, in: full + "abc", want: []string{full, "abc"}},
}

func TestDecode(t *testing.T) {
	for _, tt := range decodeTests {
		t.Run(tt.name, func(t *testing.T) {
			s, c := open(t, tt.options)
			got, used, err := decodeAll(s, c, []byte(tt.in))
			checkMessages(t, got, tt.want)
			if rest := tt.in[used:]; rest != tt.rest {
				t.Errorf("unread = %q, want %q", rest, tt.rest)
			}
			if !errors.Is(err, tt.err) {
				t.Errorf("Decode() error = %v, want %v", err, tt.err)
			}
		})
	}
}

// TestDecodeCut feeds each stream in two pieces, cut at each offset, to one
// codec and to a codec that a successor opens on the unread rest.
func TestDecodeCut(t *testing.T) {
	for _, tt := range decodeTests {
		t.Run(tt.name, func(t *testing.T) {
			for cut := range len(tt.in) + 1 {
				for _, successor := range []bool{false, true} {
					got, err := decodeCut(t, tt.options, tt.in, cut, successor)
					checkMessages(t, together(tt.options, got), together(tt.options, tt.want))
					if !errors.Is(err, tt.err) {
						t.Errorf("cut at %d: error = %v, want %v", cut, err, tt.err)
					}
				}
			}
		})
	}
}

// together joins messages where their boundaries mean nothing.
func together(options string, messages []string) []string {
	if options == raw {
		return []string{strings.Join(messages, "")}
	}
	return messages
}

func decodeCut(t *testing.T, options, in string, cut int, successor bool) ([]string, error) {
	t.Helper()
	s, c := open(t, options)
	got, used, err := decodeAll(s, c, []byte(in[:cut]))
	if err != nil {
		return got, err
	}
	if successor {
		s, c = open(t, options)
	}
	more, _, err := decodeAll(s, c, []byte(in[used:]))
	return append(got, more...), err
}

func checkMessages(t *testing.T, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("messages = %q, want %q", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("message %d = %q, want %q", i, got[i], want[i])
		}
	}
}

func TestDecodeNeed(t *testing.T) {
	tests := []struct {
		name    string
		options string
		in      string
		want    int
	}{
		{"length32 header", length32, "\x00", 4},
		{"length32 payload", length32, "\x00\x00\x00\x05ab", 9},
		{"line", line, "abc", 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, c := open(t, tt.options)
			if _, n, ok, err := c.Decode(s, []byte(tt.in)); n != 0 || ok || err != nil {
				t.Fatalf("Decode() = %d, %v, %v, want 0, false, nil", n, ok, err)
			}
			if got := s.TakeNeed(); got != tt.want {
				t.Errorf("need = %d, want %d", got, tt.want)
			}
		})
	}
}

func TestEncode(t *testing.T) {
	tests := []struct {
		name    string
		options string
		in      string
		want    string
	}{
		{"length32", length32, "abc", "\x00\x00\x00\x03abc"},
		{"length32 empty", length32, "", "\x00\x00\x00\x00"},
		{"length32 above the peers' limit", length32, full + "x", "\x00\x00\x00\x11" + full + "x"},
		{"line", line, "abc", "abc\n"},
		{"line of lines", line, "a\nb", "a\nb\n"},
		{"raw", raw, "abc", "abc"},
		{"raw empty", raw, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, c := open(t, tt.options)
			got, err := c.Encode([]byte("before"), sdk.Message{Data: []byte(tt.in)})
			if err != nil || !bytes.Equal(got, []byte("before"+tt.want)) {
				t.Errorf("Encode() = %q, %v, want %q", got, err, "before"+tt.want)
			}
		})
	}
}

func TestMessageType(t *testing.T) {
	tests := []struct {
		options string
		in      string
		want    sdk.MessageType
	}{
		{length32, frame("a"), sdk.MessageTypeBinary},
		{line, "a\n", sdk.MessageTypeText},
		{raw, "a", sdk.MessageTypeBinary},
	}
	for _, tt := range tests {
		s, c := open(t, tt.options)
		m, _, _, err := c.Decode(s, []byte(tt.in))
		if err != nil || m.Type != tt.want || !m.Timestamp.IsZero() {
			t.Errorf("%s: type, time = %v, %v, %v, want %v and no time", tt.options, m.Type, m.Timestamp, err, tt.want)
		}
	}
}
