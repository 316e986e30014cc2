package pluginpb_test

import (
	"bytes"
	_ "embed"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/netcore-go/netcore/sdk/link"
)

// vectors are the test vectors; their file says how to read them.
//
//go:embed testdata/frames.txt
var vectors string

// A vector is one frame of the test vectors.
type vector struct {
	line  int
	frame link.Frame
	bytes []byte
}

// readVectors returns the frames, and the bytes that are none by their reasons.
func readVectors(t *testing.T) (good []vector, bad map[string][]byte) {
	t.Helper()
	bad = make(map[string][]byte)
	for i, line := range strings.Split(vectors, "\n") {
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "! "):
			b, why, _ := strings.Cut(line[2:], " ")
			bad[why] = unhex(t, b)
		default:
			good = append(good, readVector(t, i+1, strings.Split(line, " ")))
		}
	}
	if len(good) < 30 || len(bad) < 10 {
		t.Fatalf("%d frames and %d that are none, want all", len(good), len(bad))
	}
	return good, bad
}

func readVector(t *testing.T, line int, s []string) vector {
	t.Helper()
	if len(s) != 11 {
		t.Fatalf("line %d has %d fields, want 11", line, len(s))
	}
	return vector{line: line, bytes: unhex(t, s[10]), frame: link.Frame{
		Kind: kindNamed(t, s[0]), Flags: flagsNamed(t, s[1]), Type: uint8(integer(t, s[2], 8)), Conn: integer(t, s[3], 64),
		Epoch: uint32(integer(t, s[4], 32)), N: uint32(integer(t, s[5], 32)), Stream: integer(t, s[6], 64), Aux: integer(t, s[7], 64),
		Headers: unhex(t, s[8]), Payload: unhex(t, s[9]),
	}}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	if s == "-" {
		return nil
	}
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func integer(t *testing.T, s string, bits int) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(s, 10, bits)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func kindNamed(t *testing.T, name string) link.Kind {
	t.Helper()
	for k := link.Open; k <= link.Listen; k++ {
		if k.String() == name {
			return k
		}
	}
	t.Fatalf("no kind is named %s", name)
	return 0
}

func flagsNamed(t *testing.T, names string) (flags link.Flags) {
	t.Helper()
	if names == "-" {
		return 0
	}
	known := map[string]link.Flags{"MORE": link.More, "DONE": link.Done, "REFUSED": link.Refused, "MOVED": link.Moved,
		"DESCRIPTOR": link.Descriptor, "ABORT": link.Abort, "ACK": link.Acked, "RESUMED": link.Resumed}
	for _, name := range strings.Split(names, "+") {
		f, ok := known[name]
		if !ok {
			t.Fatalf("no flag is named %s", name)
		}
		flags |= f
	}
	return flags
}

func TestVectorsDecode(t *testing.T) {
	good, _ := readVectors(t)
	for _, v := range good {
		var f link.Frame
		rest, err := link.Next(append(bytes.Clone(v.bytes), 1, 2, 3), &f)
		if err != nil || len(rest) != 3 {
			t.Errorf("line %d: Next() left %d bytes, %v, want 3", v.line, len(rest), err)
			continue
		}
		want := v.frame
		same := f.Kind == want.Kind && f.Flags == want.Flags && f.Type == want.Type && f.Conn == want.Conn && f.Epoch == want.Epoch &&
			f.N == want.N && f.Stream == want.Stream && f.Aux == want.Aux && bytes.Equal(f.Headers, want.Headers) && bytes.Equal(f.Payload, want.Payload)
		if !same {
			t.Errorf("line %d: Next() = %+v, want %+v", v.line, f, want)
		}
		if _, err := link.Headers(f.Headers); err != nil {
			t.Errorf("line %d: Headers() = %v", v.line, err)
		}
	}
}

func TestVectorsEncode(t *testing.T) {
	good, _ := readVectors(t)
	seen := make(map[link.Kind]bool)
	for _, v := range good {
		if got := link.AppendFrame(nil, &v.frame); !bytes.Equal(got, v.bytes) {
			t.Errorf("line %d: AppendFrame() = %x, want %x", v.line, got, v.bytes)
		}
		seen[v.frame.Kind] = true
	}
	for k := link.Open; k <= link.Listen; k++ {
		if !seen[k] {
			t.Errorf("no vector of kind %v", k)
		}
	}
}

func TestVectorsThatAreNoFrames(t *testing.T) {
	_, bad := readVectors(t)
	for why, b := range bad {
		var f link.Frame
		var malformed *link.MalformedError
		if _, err := link.Next(b, &f); !errors.As(err, &malformed) {
			t.Errorf("%s: Next(%x) = %v, want a MalformedError", why, b, err)
		}
	}
}
