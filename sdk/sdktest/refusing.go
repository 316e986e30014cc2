package sdktest

import (
	"errors"
	"sync/atomic"

	"github.com/netcore-go/netcore/sdk"
)

// refusing stands before a protocol and makes it fail.
type refusing struct {
	sdk.StreamProtocol
	refuse atomic.Bool
	panics atomic.Value // of string: the method that panics
}

func (r *refusing) Open(s *sdk.Stream) (sdk.Codec, error) {
	if r.refuse.Load() {
		return nil, errors.New("not now")
	}
	r.maybePanic("Open")
	c, err := r.StreamProtocol.Open(s)
	if err != nil {
		return nil, err
	}
	return refusingCodec{c, r}, nil
}

func (r *refusing) maybePanic(method string) {
	if r.panics.Load() == method {
		panic("sdktest: a codec panics")
	}
}

// refusingCodec has only what each codec has; that its connections cannot move
// is of no matter here.
type refusingCodec struct {
	sdk.Codec
	protocol *refusing
}

func (c refusingCodec) Decode(s *sdk.Stream, in []byte) (sdk.Message, int, bool, error) {
	c.protocol.maybePanic("Decode")
	return c.Codec.Decode(s, in)
}

func (c refusingCodec) Encode(dst []byte, m sdk.Message) ([]byte, error) {
	c.protocol.maybePanic("Encode")
	return c.Codec.Encode(dst, m)
}
