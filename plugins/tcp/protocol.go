package tcp

import "github.com/netcore-go/netcore/sdk"

// A Protocol is the tcp protocol with the options of one listener. The zero
// value has the default options.
type Protocol struct {
	options options
}

var _ sdk.StreamConfigurer = (*Protocol)(nil)

// New returns the protocol with its default options: length32 frames with up to
// 1 MiB of payload. It is an [sdk.StreamConfigurer].
func New() sdk.StreamProtocol { return &Protocol{} }

// Info describes the protocol.
func (p *Protocol) Info() sdk.Info {
	return sdk.Info{Name: "tcp", Network: "tcp", Schema: schema}
}

// WithOptions returns the protocol with the options of a listener, a JSON
// object. What they leave out has its default, whatever p has.
func (p *Protocol) WithOptions(raw []byte) (sdk.StreamProtocol, error) {
	o, err := parseOptions(raw)
	if err != nil {
		return nil, err
	}
	return &Protocol{options: o}, nil
}

// Open returns the codec of a stream. A resumed stream needs nothing but its
// unread bytes. Codecs share p's options: all but those of lines are p itself by
// another name and take no memory for a connection.
func (p *Protocol) Open(*sdk.Stream) (sdk.Codec, error) {
	switch p.options.framing {
	case framingLine:
		return &lineCodec{options: &p.options}, nil
	case framingRaw:
		return rawCodec{&p.options}, nil
	}
	return length32Codec{&p.options}, nil
}
