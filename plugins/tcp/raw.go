package tcp

import "github.com/netcore-go/netcore/sdk"

// A rawCodec takes what a read gave as a message. Boundaries mean nothing: a
// read of more than the limit becomes several messages.
type rawCodec struct{ *options }

var _ sdk.Codec = rawCodec{}

// Decode takes all bytes, up to the limit.
func (c rawCodec) Decode(_ *sdk.Stream, in []byte) (sdk.Message, int, bool, error) {
	n := min(len(in), c.limit())
	if n == 0 {
		return sdk.Message{}, 0, false, nil
	}
	return sdk.Message{Type: sdk.MessageTypeBinary, Data: in[:n:n]}, n, true, nil
}

// Encode appends the message as it is; an empty one leaves no trace.
func (c rawCodec) Encode(dst []byte, m sdk.Message) ([]byte, error) {
	return append(dst, m.Data...), nil
}
