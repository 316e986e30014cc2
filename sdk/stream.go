package sdk

import "net"

// A StreamProtocol turns a byte stream into messages without doing I/O itself.
// The SDK does the rest: read, write, limits, deadlines, batching,
// back-pressure, heartbeat, and moving the connection to a successor.
type StreamProtocol interface {
	Info() Info

	// Open returns the codec of a new stream, or of one resumed from
	// s.State(). It may write a greeting with s.Write unless it resumes. An
	// error refuses the connection. It is called from any goroutine.
	Open(s *Stream) (Codec, error)
}

// A StreamConfigurer is a StreamProtocol with options.
type StreamConfigurer interface {
	StreamProtocol

	// WithOptions returns the protocol as a listener's options, a JSON object
	// or nothing, want it. An error that is an [*OptionError] names the option.
	WithOptions(options []byte) (StreamProtocol, error)
}

// A Codec is the protocol of one connection. Its methods are never called
// concurrently.
type Codec interface {
	// Decode is given the unread bytes and returns at most one message and how
	// many bytes it used. 0 and not ok asks for more (s.Need says how much, so
	// that nothing is scanned twice); n > 0 and not ok consumes bytes that are
	// no message, such as a ping, and is called again. It answers the peer
	// itself with s.Write and keeps nothing of in: m.Data may point into in.
	// An error ends the connection with [ErrProtocol], after what s.Write was
	// given has been sent.
	Decode(s *Stream, in []byte) (m Message, n int, ok bool, err error)

	// Encode appends the wire form of m to dst. On an error it returns dst as
	// it was, and the connection ends.
	Encode(dst []byte, m Message) ([]byte, error)
}

// A ReplyEnder is a Codec of a protocol with streams (see Info.Streams).
type ReplyEnder interface {
	// EndReply appends what must be written when the handler has finished
	// with a stream: nothing if its reply is complete, an empty reply if
	// there was none.
	EndReply(dst []byte, stream uint64) ([]byte, error)
}

// A Pinger is a Codec that can ask its peer for a sign of life.
type Pinger interface {
	// Ping appends a heartbeat to dst. Any bytes of the peer count as its answer.
	Ping(dst []byte) []byte
}

// A Closer is a Codec that says goodbye.
type Closer interface {
	// Goodbye appends what the peer is sent before the connection is closed
	// because of cause, which is nil for an orderly end.
	Goodbye(dst []byte, cause error) []byte
}

// A StateSaver is a Codec that has state besides the unread bytes.
type StateSaver interface {
	// SaveState appends to dst what a successor's Open needs in s.State(). The
	// SDK calls it when the connection moves and whenever bytes were used.
	// [ErrNotMovable] says that the connection cannot move now.
	SaveState(dst []byte) ([]byte, error)
}

// A Stream is a byte stream as a [Codec] sees it.
type Stream struct {
	local, remote net.Addr
	state         []byte
	out           []byte
	need          int
}

// NewStream returns the stream that a [StreamProtocol] is opened on. The SDK
// calls it, and tests of codecs do. state is nil for a new stream.
func NewStream(local, remote net.Addr, state []byte) *Stream {
	return &Stream{local: local, remote: remote, state: state}
}

// LocalAddr is the server's address.
func (s *Stream) LocalAddr() net.Addr { return s.local }

// RemoteAddr is the client's address.
func (s *Stream) RemoteAddr() net.Addr { return s.remote }

// State is what the predecessor's SaveState returned, nil for a new stream. It
// is valid while Open runs.
func (s *Stream) State() []byte { return s.state }

// Resumed reports whether the stream was taken over from a predecessor.
func (s *Stream) Resumed() bool { return s.state != nil }

// Write sends p to the peer, in order with encoded messages. It copies p and
// cannot fail: an end of the connection shows elsewhere.
func (s *Stream) Write(p []byte) { s.out = append(s.out, p...) }

// Need says that Decode wants to be called again only when n unread bytes are
// there, or at the end of the stream. It holds for one call.
func (s *Stream) Need(n int) { s.need = n }

// TakeNeed returns what Need was told since the last call, and forgets it. For
// whoever drives a [Codec].
func (s *Stream) TakeNeed() int {
	n := s.need
	s.need = 0
	return n
}

// TakeOutput appends to dst what was written since the last call, and forgets
// it. For whoever drives a [Codec].
func (s *Stream) TakeOutput(dst []byte) []byte {
	dst = append(dst, s.out...)
	if cap(s.out) > 4096 {
		s.out = nil
	} else {
		s.out = s.out[:0]
	}
	return dst
}

// Opened ends Open: State is forgotten. For whoever drives a [Codec].
func (s *Stream) Opened() { s.state = nil }
