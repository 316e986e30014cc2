package testplugins

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"github.com/netcore-go/netcore/sdk"
)

// maxLine and maxBlob bound what a client of Line may send, in bytes.
const (
	maxLine = 1 << 10
	maxBlob = 1 << 20
)

// Line is a stream protocol of lines. A client begins with
//
//	HELLO name
//
// and is answered WELCOME name. Then each line is a message of type text,
// whose replies come as "name: text". PING is answered PONG by the protocol
// itself, and "BLOB n" is followed by n bytes, a binary message whose replies
// come in that form.
type Line struct{}

var _ sdk.StreamProtocol = Line{}

// Info names the protocol.
func (Line) Info() sdk.Info { return sdk.Info{Name: "line"} }

// Open returns the codec of a connection; its state is the client's name.
func (Line) Open(s *sdk.Stream) (sdk.Codec, error) { return &lineCodec{name: string(s.State())}, nil }

type lineCodec struct{ name string }

var (
	_ sdk.StateSaver = (*lineCodec)(nil)
	_ sdk.Pinger     = (*lineCodec)(nil)
	_ sdk.Closer     = (*lineCodec)(nil)
)

func (c *lineCodec) Decode(s *sdk.Stream, in []byte) (m sdk.Message, n int, ok bool, err error) {
	end := bytes.IndexByte(in, '\n')
	if end < 0 {
		if len(in) > maxLine {
			return m, 0, false, fmt.Errorf("line of more than %d bytes: %w", maxLine, sdk.ErrTooLarge)
		}
		return m, 0, false, nil
	}
	line, n := in[:end], end+1
	verb, arg, _ := bytes.Cut(line, []byte(" "))
	switch {
	case string(verb) == "HELLO":
		return m, n, false, c.hello(s, string(arg))
	case c.name == "":
		return m, 0, false, errors.New("the client does not say HELLO")
	case string(verb) == "PING":
		s.Write([]byte("PONG\n"))
		return m, n, false, nil
	case string(verb) == "BLOB":
		return blob(s, in, n, string(arg))
	}
	return sdk.Message{Type: sdk.MessageTypeText, Data: line}, n, true, nil
}

func (c *lineCodec) hello(s *sdk.Stream, name string) error {
	if name == "" || c.name != "" {
		return errors.New("HELLO without a name, or twice")
	}
	c.name = name
	s.Write([]byte("WELCOME " + name + "\n"))
	return nil
}

func blob(s *sdk.Stream, in []byte, head int, arg string) (m sdk.Message, n int, ok bool, err error) {
	size, err := strconv.ParseUint(arg, 10, 64)
	switch {
	case err != nil:
		return m, 0, false, err
	case size > maxBlob:
		return m, 0, false, fmt.Errorf("blob of %d bytes: %w", size, sdk.ErrTooLarge)
	case len(in) < head+int(size):
		s.Need(head + int(size))
		return m, 0, false, nil
	}
	n = head + int(size)
	return sdk.Message{Type: sdk.MessageTypeBinary, Data: in[head:n]}, n, true, nil
}

func (c *lineCodec) Encode(dst []byte, m sdk.Message) ([]byte, error) {
	if m.Type == sdk.MessageTypeBinary {
		return append(fmt.Appendf(dst, "BLOB %d\n", len(m.Data)), m.Data...), nil
	}
	return fmt.Appendf(dst, "%s: %s\n", c.name, m.Data), nil
}

func (c *lineCodec) SaveState(dst []byte) ([]byte, error) { return append(dst, c.name...), nil }

func (*lineCodec) Ping(dst []byte) []byte { return append(dst, "PING\n"...) }

func (*lineCodec) Goodbye(dst []byte, cause error) []byte {
	if cause == nil {
		return dst
	}
	return fmt.Appendf(dst, "BYE %v\n", cause)
}
