package tcp

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/netcore-go/netcore/sdk"
)

// A length32Codec frames messages as
//
//	4 bytes   length of the payload, big endian, without these 4 bytes
//	length    payload
//
// A length of 0 is an empty message.
type length32Codec struct{ *options }

const length32Header = 4

var _ sdk.Codec = length32Codec{}

// Decode judges the length before it asks for the payload, so that a peer
// cannot make anyone take memory for more than the limit.
func (c length32Codec) Decode(s *sdk.Stream, in []byte) (sdk.Message, int, bool, error) {
	if len(in) < length32Header {
		s.Need(length32Header)
		return sdk.Message{}, 0, false, nil
	}
	length := binary.BigEndian.Uint32(in)
	if uint64(length) > uint64(c.limit()) {
		return sdk.Message{}, 0, false, tooLarge(uint64(length), c.limit())
	}
	end := length32Header + int(length)
	if len(in) < end {
		s.Need(end)
		return sdk.Message{}, 0, false, nil
	}
	m := sdk.Message{Type: sdk.MessageTypeBinary, Data: in[length32Header:end:end]}
	return m, end, true, nil
}

// Encode accepts what the length can say: the limit is for what peers send.
func (c length32Codec) Encode(dst []byte, m sdk.Message) ([]byte, error) {
	if uint64(len(m.Data)) > math.MaxUint32 {
		return dst, tooLarge(uint64(len(m.Data)), math.MaxUint32)
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(m.Data)))
	return append(dst, m.Data...), nil
}

func tooLarge(size uint64, limit int) error {
	return fmt.Errorf("message of %d bytes, limit %d: %w", size, limit, sdk.ErrTooLarge)
}
