package netstring_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	netstring "github.com/netcore-go/netcore/examples/thirdparty"
	"github.com/netcore-go/netcore/sdk"
)

var _ sdk.StreamProtocol = netstring.Protocol{}

// decoder is a connection's codec and its unread bytes, as the SDK keeps them.
type decoder struct {
	stream *sdk.Stream
	codec  sdk.Codec
	unread []byte
	got    []string
}

func newDecoder(t testing.TB) *decoder {
	t.Helper()
	s := sdk.NewStream(nil, nil, nil)
	c, err := netstring.Protocol{}.Open(s)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return &decoder{stream: s, codec: c}
}

func (d *decoder) feed(in []byte) error {
	d.unread = append(d.unread, in...)
	for {
		m, n, ok, err := d.codec.Decode(d.stream, d.unread)
		if err != nil || !ok {
			return err
		}
		d.got = append(d.got, string(m.Data))
		d.unread = d.unread[n:]
	}
}

var decodeTests = []struct {
	name string
	in   string
	want []string
	rest string
	err  string
}{
	{name: "nothing"},
	{name: "two", in: "5:hello,1:a,", want: []string{"hello", "a"}},
	{name: "empty message", in: "0:,", want: []string{""}},
	{name: "any bytes", in: "3::,\n,", want: []string{":,\n"}},
	{name: "length arriving", in: "1:a,12", want: []string{"a"}, rest: "12"},
	{name: "payload arriving", in: "5:hel", rest: "5:hel"},
	{name: "comma arriving", in: "5:hello", rest: "5:hello"},
	{name: "no comma", in: "1:a,1:bc", want: []string{"a"}, rest: "1:bc", err: "want a comma after 1 bytes"},
	{name: "no digits", in: ":,", rest: ":,", err: "want a length"},
	{name: "no colon", in: "hello there", rest: "hello there", err: "want a length"},
	{name: "sign", in: "+1:a,", rest: "+1:a,", err: "want a length"},
	{name: "leading zero", in: "01:a,", rest: "01:a,", err: "want a length"},
	{name: "above the limit", in: "1048577:", rest: "1048577:", err: "want a length"},
	{name: "endless digits", in: "11111111", rest: "11111111", err: "want a length"},
}

func (d *decoder) check(t *testing.T, err error, want []string, rest, wantErr string) {
	t.Helper()
	if !slices.Equal(d.got, want) || string(d.unread) != rest {
		t.Errorf("messages %q, unread %q, want %q, %q", d.got, d.unread, want, rest)
	}
	if (err == nil) != (wantErr == "") || err != nil && !strings.Contains(err.Error(), wantErr) {
		t.Errorf("error = %v, want %q", err, wantErr)
	}
}

// TestDecode also cuts the stream at each byte: what was read must not depend
// on how it came, nor on whether a successor read the rest.
func TestDecode(t *testing.T) {
	for _, tt := range decodeTests {
		t.Run(tt.name, func(t *testing.T) {
			for cut := range len(tt.in) + 1 {
				d := newDecoder(t)
				err := d.feed([]byte(tt.in[:cut]))
				if err == nil {
					d.codec = newDecoder(t).codec
					err = d.feed([]byte(tt.in[cut:]))
				} else {
					d.unread = append(d.unread, tt.in[cut:]...)
				}
				d.check(t, err, tt.want, tt.rest, tt.err)
			}
		})
	}
}

func TestLargestMessage(t *testing.T) {
	want := strings.Repeat("x", 1<<20)
	d := newDecoder(t)
	d.check(t, d.feed([]byte("1048576:"+want+",")), []string{want}, "", "")
}

func TestNeed(t *testing.T) {
	d := newDecoder(t)
	if err := d.feed([]byte("100:a")); err != nil {
		t.Fatal(err)
	}
	if got, want := d.stream.TakeNeed(), len("100:")+100+len(","); got != want {
		t.Errorf("need = %d, want %d", got, want)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("5:hello,0:,"), uint16(3))
	f.Add([]byte("1048577:"), uint16(8))
	f.Fuzz(func(t *testing.T, in []byte, cut uint16) {
		whole, parts := newDecoder(t), newDecoder(t)
		errWhole := whole.feed(in)
		at := min(int(cut), len(in))
		errParts := parts.feed(in[:at])
		if errParts == nil {
			errParts = parts.feed(in[at:])
		}
		if !slices.Equal(whole.got, parts.got) || (errWhole == nil) != (errParts == nil) {
			t.Fatalf("whole: %q, %v; cut at %d: %q, %v", whole.got, errWhole, at, parts.got, errParts)
		}
		var again []byte
		for _, m := range whole.got {
			var err error
			if again, err = whole.codec.Encode(again, sdk.Message{Data: []byte(m)}); err != nil {
				t.Fatalf("Encode: %v", err)
			}
		}
		if !bytes.HasPrefix(in, again) {
			t.Fatalf("%q was decoded, and encoded to %q", in, again)
		}
	})
}
