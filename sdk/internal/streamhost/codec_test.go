package streamhost_test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/netcore-go/netcore/sdk"
)

// The frames of the tests' protocol: a length of 4 bytes, a kind, a payload of
// that length.
const (
	kindMessage   = 'm'
	kindPing      = 'p' // answered with kindPong, no message
	kindPong      = 'o'
	kindHandshake = 'h' // sets the codec's state, no message
	kindSkip      = 's' // no message, no answer
	kindHeaders   = 'H' // a message with a header
	kindStream    = 'S' // a message of the stream that the first byte says
	kindBad       = 'b' // a protocol error, after a last word
	kindPanic     = '!'
)

const frameHead = 5

// frame returns a frame of the tests' protocol.
func frame(kind byte, payload string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(payload)))
	return append(append(b, kind), payload...)
}

// protocol is the tests' protocol; its fields say what it can and how it fails.
type protocol struct {
	streams  bool
	saves    bool
	pings    bool
	greeting string
	openErr  error
	panics   string // "Open", "Encode"
	noNeed   bool   // never says how much it needs
	pinned   bool   // cannot move
}

func (p protocol) Info() sdk.Info { return sdk.Info{Name: "test", Streams: p.streams} }

func (p protocol) WithOptions(options []byte) (sdk.StreamProtocol, error) {
	if len(options) == 0 {
		return p, nil
	}
	var o struct{ Greeting string }
	if err := json.Unmarshal(options, &o); err != nil {
		return nil, &sdk.OptionError{Field: "greeting", Err: err}
	}
	p.greeting = o.Greeting
	return p, nil
}

func (p protocol) Open(s *sdk.Stream) (sdk.Codec, error) {
	if p.panics == "Open" {
		panic("open")
	}
	if p.openErr != nil {
		s.Write([]byte("no"))
		return nil, p.openErr
	}
	c := &codec{protocol: p, state: string(s.State()), need: !p.noNeed}
	if !s.Resumed() {
		s.Write([]byte(p.greeting))
	}
	switch {
	case p.saves && p.pings:
		return struct {
			*codec
			saver
			pinger
		}{c, saver{c}, pinger{}}, nil
	case p.saves:
		return struct {
			*codec
			saver
		}{c, saver{c}}, nil
	case p.pings:
		return struct {
			*codec
			pinger
		}{c, pinger{}}, nil
	}
	return c, nil
}

type codec struct {
	protocol
	state string
	need  bool
}

var (
	_ sdk.Codec      = (*codec)(nil)
	_ sdk.ReplyEnder = (*codec)(nil)
	_ sdk.Closer     = (*codec)(nil)
	_ sdk.StateSaver = saver{}
	_ sdk.Pinger     = pinger{}
)

func (c *codec) ask(s *sdk.Stream, n int) (sdk.Message, int, bool, error) {
	if c.need {
		s.Need(n)
	}
	return sdk.Message{}, 0, false, nil
}

func (c *codec) Decode(s *sdk.Stream, in []byte) (sdk.Message, int, bool, error) {
	if len(in) < frameHead {
		return c.ask(s, frameHead)
	}
	end := frameHead + int(binary.BigEndian.Uint32(in))
	if len(in) < end {
		return c.ask(s, end)
	}
	m := sdk.Message{Type: sdk.MessageTypeBinary, Data: in[frameHead:end]}
	switch in[4] {
	case kindMessage:
		return m, end, true, nil
	case kindPing:
		s.Write(frame(kindPong, string(m.Data)))
	case kindHandshake:
		c.state = string(m.Data)
		s.Write(frame(kindHandshake, c.state))
	case kindSkip:
	case kindHeaders:
		m.Headers = map[string]string{"key": string(m.Data)}
		return m, end, true, nil
	case kindStream:
		return m.WithStream(uint64(m.Data[0])), end, true, nil
	case kindPanic:
		panic("decode")
	default:
		s.Write([]byte("bad frame"))
		return sdk.Message{}, 0, false, fmt.Errorf("kind %q", in[4])
	}
	return sdk.Message{}, end, false, nil
}

var errEncode = errors.New("cannot encode")

func (c *codec) Encode(dst []byte, m sdk.Message) ([]byte, error) {
	if c.panics == "Encode" {
		panic("encode")
	}
	if string(m.Data) == "unencodable" {
		return dst, errEncode
	}
	kind := byte(kindMessage)
	if v := m.Headers["key"]; v != "" {
		kind = kindHeaders
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(m.Data)))
	dst = append(dst, kind)
	return append(dst, m.Data...), nil
}

func (c *codec) EndReply(dst []byte, stream uint64) ([]byte, error) {
	return append(dst, fmt.Sprintf("end %d.", stream)...), nil
}

func (c *codec) Goodbye(dst []byte, cause error) []byte {
	return append(dst, fmt.Sprintf("bye %v", cause)...)
}

type saver struct{ c *codec }

func (s saver) SaveState(dst []byte) ([]byte, error) {
	if s.c.pinned {
		return dst, sdk.ErrNotMovable
	}
	return append(dst, s.c.state...), nil
}

type pinger struct{}

func (pinger) Ping(dst []byte) []byte { return append(dst, frame(kindPing, "")...) }
