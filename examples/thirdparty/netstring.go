// Package netstring is a protocol plugin as somebody outside netcore would
// write it: netstrings, which look like "5:hello,".
package netstring

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/netcore-go/netcore/sdk"
)

const (
	maxMessage = 1 << 20 // bytes
	maxDigits  = len("1048576")
)

// Protocol is a StreamProtocol and, having no state, its own Codec.
type Protocol struct{}

// Info names the protocol, as in a listener's "protocol: netstring".
func (Protocol) Info() sdk.Info { return sdk.Info{Name: "netstring"} }

// Open returns the codec of one connection, new or moved here from a predecessor.
func (p Protocol) Open(*sdk.Stream) (sdk.Codec, error) { return p, nil }

// Decode takes one netstring off in. It judges the length before it waits for
// the rest, so that nobody can make the server keep more than maxMessage.
func (Protocol) Decode(s *sdk.Stream, in []byte) (m sdk.Message, n int, ok bool, err error) {
	colon := bytes.IndexByte(in[:min(len(in), maxDigits+1)], ':')
	if colon < 0 && len(in) <= maxDigits {
		return m, 0, false, nil // the length is still arriving
	}
	digits := in[:max(colon, 0)]
	size, err := strconv.ParseUint(string(digits), 10, 32)
	if err != nil || size > maxMessage || len(digits) > 1 && digits[0] == '0' {
		return m, 0, false, fmt.Errorf("netstring: want a length from 0 to %d", maxMessage)
	}
	end := colon + 1 + int(size) + 1
	if len(in) < end {
		s.Need(end)
		return m, 0, false, nil
	}
	if in[end-1] != ',' {
		return m, 0, false, fmt.Errorf("netstring: want a comma after %d bytes", size)
	}
	return sdk.Message{Type: sdk.MessageTypeBinary, Data: in[colon+1 : end-1]}, end, true, nil
}

// Encode appends m as one netstring.
func (Protocol) Encode(dst []byte, m sdk.Message) ([]byte, error) {
	dst = append(strconv.AppendInt(dst, int64(len(m.Data)), 10), ':')
	return append(append(dst, m.Data...), ','), nil
}
