package sdk

import "time"

// A MessageType says how the Data of a [Message] is to be understood.
type MessageType int

// The message types. Only protocols that tell text from binary (ws) set
// anything but MessageTypeBinary; the others are for applications.
const (
	MessageTypeText MessageType = iota
	MessageTypeBinary
	MessageTypeJSON
	MessageTypeProtobuf
	MessageTypeCustom
)

// A Message is what a protocol plugin and a handler exchange: one frame of tcp,
// one datagram, one request or reply.
//
// Data that is handed to a method of this package's interfaces belongs to the
// caller: it is valid until the method returns, and whoever keeps it copies it.
type Message struct {
	Type      MessageType       `json:"type"`
	Data      []byte            `json:"data"`
	Timestamp time.Time         `json:"timestamp"`
	Headers   map[string]string `json:"headers,omitempty"`

	stream uint64
}

// Stream is the number of the request within its connection that m belongs to,
// as the protocol counts them: the sequence number of rpc, the stream of
// HTTP/2. It is 0 where a protocol has no requests, only messages.
func (m Message) Stream() uint64 { return m.stream }

// WithStream returns m as a message of the given stream.
func (m Message) WithStream(stream uint64) Message {
	m.stream = stream
	return m
}
