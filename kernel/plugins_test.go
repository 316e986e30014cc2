package kernel_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/netcore-go/netcore/sdk"
)

// maxFrame bounds what a peer may claim, in bytes.
const maxFrame = 8 << 20

// frames is a protocol: a big-endian length of four bytes, and the message.
type frames struct{}

var _ sdk.StreamConfigurer = frames{}

func (frames) Info() sdk.Info { return sdk.Info{Name: "frames"} }

func (frames) Open(*sdk.Stream) (sdk.Codec, error) { return frames{}, nil }

func (p frames) WithOptions(options []byte) (sdk.StreamProtocol, error) {
	var o struct{ Bad bool }
	if len(options) > 0 {
		if err := json.Unmarshal(options, &o); err != nil {
			return nil, err
		}
	}
	if o.Bad {
		return nil, &sdk.OptionError{Field: "bad", Err: errors.New("must not be set")}
	}
	return p, nil
}

func (frames) Decode(s *sdk.Stream, in []byte) (sdk.Message, int, bool, error) {
	if len(in) < 4 {
		s.Need(4)
		return sdk.Message{}, 0, false, nil
	}
	n := int(binary.BigEndian.Uint32(in))
	if n > maxFrame {
		return sdk.Message{}, 0, false, sdk.ErrTooLarge
	}
	if len(in) < 4+n {
		s.Need(4 + n)
		return sdk.Message{}, 0, false, nil
	}
	return sdk.Message{Type: sdk.MessageTypeBinary, Data: in[4 : 4+n]}, 4 + n, true, nil
}

func (frames) Encode(dst []byte, m sdk.Message) ([]byte, error) {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(m.Data)))
	return append(dst, m.Data...), nil
}

// script is a handler that does what its clients say; what is no command is
// echoed. It notes what happens to connections in a file, which all its
// incarnations share.
type script struct {
	events string
	host   sdk.Host
}

var (
	_ sdk.Starter = (*script)(nil)
	_ sdk.Mover   = (*script)(nil)
	_ sdk.Resumer = (*script)(nil)
)

func (s *script) Start(_ context.Context, host sdk.Host) error {
	s.host = host
	return nil
}

func (s *script) Configure(config []byte) error {
	if strings.Contains(string(config), "bad") {
		return &sdk.OptionError{Field: "bad", Err: errors.New("must not be set")}
	}
	return nil
}

func (s *script) OnConnect(c sdk.Connection)               { s.note("connect", c, "") }
func (s *script) OnMoved(c sdk.Connection)                 { s.note("moved", c, "") }
func (s *script) OnResume(c sdk.Connection, lost int)      { s.note("resume", c, strconv.Itoa(lost)) }
func (s *script) OnDisconnect(c sdk.Connection, err error) { s.note("disconnect", c, fmt.Sprint(err)) }

func (s *script) note(what string, c sdk.Connection, detail string) {
	if s.events == "" {
		return
	}
	f, err := os.OpenFile(s.events, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	fmt.Fprintf(f, "%s %s %s\n", what, c.ID(), detail)
}

func (s *script) OnMessage(c sdk.Connection, m sdk.Message) {
	command, ok := strings.CutPrefix(string(m.Data[:min(len(m.Data), 64)]), "!")
	if !ok {
		_ = c.Send(m.Data)
		return
	}
	words := strings.Fields(command)
	word := func(i int) string {
		if i < len(words) {
			return words[i]
		}
		return ""
	}
	number := func(i int) int {
		n, _ := strconv.Atoi(word(i))
		return n
	}
	switch word(0) {
	case "set":
		c.SetContext(word(1), word(2))
		_ = c.Send([]byte("ok"))
	case "get":
		_ = c.Send([]byte(fmt.Sprint(c.GetContext(word(1)))))
	case "join":
		_ = s.host.Join(c, word(1))
		_ = c.Send([]byte("ok"))
	case "cast": // room, messages, size
		for range number(2) {
			_ = s.host.Broadcast(word(1), sdk.Message{Data: make([]byte, number(3))}, c)
		}
		_ = c.Send([]byte("ok"))
	case "flood": // messages, size
		s.flood(c, number(1), number(2))
	case "close": // after messages, size
		s.flood(c, number(1), number(2))
		_ = c.Close()
	case "hold":
		sdk.Hold(c)
	case "slow": // milliseconds
		release := sdk.Hold(c)
		data := append([]byte(nil), m.Data...)
		s.host.AfterFunc(c, time.Duration(number(1))*time.Millisecond, func(c sdk.Connection) {
			_ = c.Send(data)
			release()
		})
	case "die":
		os.Exit(9)
	}
}

// flood sends numbered messages.
func (s *script) flood(c sdk.Connection, n, size int) {
	b := make([]byte, max(size, 8))
	for i := range n {
		binary.BigEndian.PutUint64(b, uint64(i))
		if c.Send(b) != nil {
			return
		}
	}
}

// forgetful is a script that does not want to hear of losses.
type forgetful struct{ sdk.MessageHandler }
