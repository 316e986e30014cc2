package tcp

import (
	"bytes"
	"fmt"

	"github.com/netcore-go/netcore/sdk"
)

// A lineCodec ends each message with a line feed. A carriage return before it
// is not part of the message.
type lineCodec struct {
	*options
	// scanned counts the unread bytes that are known to hold no line feed. It
	// is an aid, no state to save: a successor's codec scans from 0.
	scanned int
}

var _ sdk.Codec = (*lineCodec)(nil)

// Decode looks no further than a line within the limit can reach, and gives up
// on a longer one before its end is there.
func (c *lineCodec) Decode(s *sdk.Stream, in []byte) (sdk.Message, int, bool, error) {
	window := in[:min(len(in), c.limit()+len("\r\n"))]
	from := min(c.scanned, len(window))
	i := bytes.IndexByte(window[from:], '\n')
	if i < 0 {
		if c.overlong(window) {
			return sdk.Message{}, 0, false, c.tooLong()
		}
		c.scanned = len(window)
		s.Need(len(in) + 1)
		return sdk.Message{}, 0, false, nil
	}
	end := from + i
	line := bytes.TrimSuffix(in[:end:end], []byte{'\r'})
	if len(line) > c.limit() {
		return sdk.Message{}, 0, false, c.tooLong()
	}
	c.scanned = 0
	return sdk.Message{Type: sdk.MessageTypeText, Data: line}, end + 1, true, nil
}

// overlong reports whether a line that begins with part, which has no line feed,
// is too long however it goes on. One byte above the limit may still turn out
// to be the carriage return.
func (c *lineCodec) overlong(part []byte) bool {
	switch len(part) - c.limit() {
	case 2:
		return true
	case 1:
		return part[c.limit()] != '\r'
	}
	return false
}

func (c *lineCodec) tooLong() error {
	return fmt.Errorf("line of more than %d bytes: %w", c.limit(), sdk.ErrTooLarge)
}

// Encode appends a line feed. A message that holds line feeds itself goes out
// as several lines.
func (c *lineCodec) Encode(dst []byte, m sdk.Message) ([]byte, error) {
	return append(append(dst, m.Data...), '\n'), nil
}
