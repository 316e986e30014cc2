package tcp_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/netcore-go/netcore/sdk"
)

// fuzzDecode decodes in whole and then as it would come cut at a byte. same
// reports whether used are the bytes of one message with that data.
func fuzzDecode(f *testing.F, options string, same func(data, used []byte) bool) {
	f.Fuzz(func(t *testing.T, in []byte, cut uint16) {
		s, c := open(t, options)
		whole, err := decodeChecked(t, s, c, in, same)
		at := min(int(cut), len(in))
		s, c = open(t, options)
		first, used, errFirst := decodeAll(s, c, in[:at])
		if errFirst != nil {
			if err == nil {
				t.Fatalf("cut at %d: %v, whole: no error", at, errFirst)
			}
			return
		}
		second, _, errSecond := decodeAll(s, c, in[used:])
		checkMessages(t, together(options, append(first, second...)), together(options, whole))
		if (errSecond == nil) != (err == nil) {
			t.Fatalf("cut at %d: %v, whole: %v", at, errSecond, err)
		}
	})
}

// decodeChecked is decodeAll with the codec's contract checked at each step.
func decodeChecked(t *testing.T, s *sdk.Stream, c sdk.Codec, in []byte, same func(data, used []byte) bool) ([]string, error) {
	t.Helper()
	var got []string
	for {
		m, n, ok, err := c.Decode(s, in)
		if n < 0 || n > len(in) || ok && n == 0 || !ok && n != 0 || ok && err != nil {
			t.Fatalf("Decode(%d bytes) = n %d, ok %v, %v", len(in), n, ok, err)
		}
		if !ok {
			if need := s.TakeNeed(); need != 0 && need <= len(in) {
				t.Fatalf("Need(%d) with %d bytes there", need, len(in))
			}
			return got, err
		}
		if len(m.Data) > 16 {
			t.Fatalf("message of %d bytes, limit 16", len(m.Data))
		}
		if !same(m.Data, in[:n]) {
			t.Fatalf("message %q of %q", m.Data, in[:n])
		}
		got = append(got, string(m.Data))
		in = in[n:]
	}
}

func FuzzDecodeLength32(f *testing.F) {
	f.Add([]byte(frame("", "a", full)), uint16(5))
	f.Add([]byte("\xff\xff\xff\xff"), uint16(3))
	_, c := open(f, length32)
	fuzzDecode(f, length32, func(data, used []byte) bool {
		again, err := c.Encode(nil, sdk.Message{Data: data})
		return err == nil && bytes.Equal(again, used)
	})
}

func FuzzDecodeLine(f *testing.F) {
	f.Add([]byte("a\r\n\nb\r\r\n"), uint16(2))
	f.Add([]byte(full+"\r\n"+full+"x\n"), uint16(17))
	fuzzDecode(f, line, func(data, used []byte) bool {
		rest, ok := bytes.CutPrefix(used, data)
		return ok && !bytes.Contains(data, []byte("\n")) && (string(rest) == "\n" || string(rest) == "\r\n")
	})
}

func FuzzDecodeRaw(f *testing.F) {
	f.Add([]byte(full+"abc"), uint16(2))
	fuzzDecode(f, raw, func(data, used []byte) bool { return bytes.Equal(data, used) })
}

// FuzzDecodeRawWhole: raw leaves no byte behind.
func FuzzDecodeRawWhole(f *testing.F) {
	f.Add([]byte(full + "abc"))
	f.Fuzz(func(t *testing.T, in []byte) {
		s, c := open(t, raw)
		got, _, err := decodeAll(s, c, in)
		if all := strings.Join(got, ""); all != string(in) || err != nil {
			t.Fatalf("messages together = %q, %v, want %q", all, err, in)
		}
	})
}
