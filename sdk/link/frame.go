// Package link carries frames between the kernel and a plugin.
//
//	Append, Append, Append, Flush ─▶ outbox ─▶ carrier ─▶ Run(receive) of the other end
//
// A frame is one event of one connection in a flat binary layout; FRAMES.md in
// sdk/pluginpb/v1 is its description. A [Link] is one end of an ordered
// full-duplex flow of batches of frames; its carrier is the memory of the
// process ([Pair]), a unix stream socket ([NewUnix]) or a gRPC stream (package
// link/grpclink).
package link

import (
	"encoding/binary"
	"fmt"
)

// Sizes of the contract, in bytes.
const (
	HeaderSize = 40
	MaxFrame   = 1310720 // 1.25 MiB: a 1 MiB record and its envelope
	MaxChunk   = 16384   // payload of one DATA frame
)

// A Kind says what a frame means.
type Kind uint8

// The kinds of frames; FRAMES.md says who sends which, and when.
const (
	KindUnspecified Kind = iota
	Open
	Data
	Written
	Close
	State
	Ack
	Bind
	Unbind
	Context
	Room
	Prepare
	Prepared
	Offer
	Ready
	Commit
	Resume
	Release
	OpenRequest
	Refuse
	Listen
	kindEnd
)

var kindNames = [...]string{"UNSPECIFIED", "OPEN", "DATA", "WRITTEN", "CLOSE", "STATE", "ACK", "BIND", "UNBIND", "CONTEXT", "ROOM",
	"PREPARE", "PREPARED", "OFFER", "READY", "COMMIT", "RESUME", "RELEASE", "OPEN_REQUEST", "REFUSE", "LISTEN"}

// String returns the kind's name in FRAMES.md.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("KIND(%d)", uint8(k))
}

// Flags qualify a frame.
type Flags uint8

// The flags.
const (
	More Flags = 1 << iota
	Done
	Refused
	Moved
	Descriptor
	Abort
	Acked
	Resumed
)

// The operations of a ROOM frame, in Aux.
const (
	RoomJoin uint64 = iota + 1
	RoomLeave
	RoomBroadcast
)

// A Frame is one frame, decoded. Headers and Payload of a parsed frame point
// into the batch.
type Frame struct {
	Kind    Kind
	Flags   Flags
	Type    uint8
	Conn    uint64
	Epoch   uint32
	N       uint32 // count or cause; for Data, Context and Room set from Headers
	Stream  uint64
	Aux     uint64
	Headers []byte // header block; Data, Context and Room only
	Payload []byte
}

// Size is the frame's length in a batch, in bytes.
func (f *Frame) Size() int { return HeaderSize + len(f.Headers) + len(f.Payload) }

// hasHeaders reports whether N of such a frame is the length of a header block.
func (k Kind) hasHeaders() bool { return k == Data || k == Context || k == Room }

// AppendFrame appends f's encoding to dst. The caller keeps f within MaxFrame.
func AppendFrame(dst []byte, f *Frame) []byte {
	n := f.N
	if f.Kind.hasHeaders() {
		n = uint32(len(f.Headers))
	}
	at := len(dst)
	dst = append(dst, make([]byte, HeaderSize)...)
	h := dst[at : at+HeaderSize]
	binary.LittleEndian.PutUint32(h[0:], uint32(f.Size()))
	h[4], h[5], h[6], h[7] = byte(f.Kind), byte(f.Flags), f.Type, 0
	binary.LittleEndian.PutUint64(h[8:], f.Conn)
	binary.LittleEndian.PutUint32(h[16:], f.Epoch)
	binary.LittleEndian.PutUint32(h[20:], n)
	binary.LittleEndian.PutUint64(h[24:], f.Stream)
	binary.LittleEndian.PutUint64(h[32:], f.Aux)
	dst = append(dst, f.Headers...)
	return append(dst, f.Payload...)
}

// A MalformedError says what is wrong with a frame. The link that carried it
// ends.
type MalformedError struct{ Reason string }

func (e *MalformedError) Error() string { return "malformed frame: " + e.Reason }

// whole returns the length of the whole frames at the start of b, and how many
// bytes the first frame that is not whole needs (0 if unknown). It looks at
// sizes only.
func whole(b []byte) (n, need int, err error) {
	for len(b)-n >= 4 {
		size := binary.LittleEndian.Uint32(b[n:])
		if size < HeaderSize || size > MaxFrame {
			return n, 0, &MalformedError{fmt.Sprintf("size %d outside %d to %d", size, HeaderSize, MaxFrame)}
		}
		if int(size) > len(b)-n {
			return n, int(size), nil
		}
		n += int(size)
	}
	return n, 0, nil
}

// Next parses the first frame of a batch into f and returns the rest.
func Next(batch []byte, f *Frame) (rest []byte, err error) {
	if len(batch) < HeaderSize {
		return nil, &MalformedError{fmt.Sprintf("%d bytes are no header", len(batch))}
	}
	size := int(binary.LittleEndian.Uint32(batch))
	if size < HeaderSize || size > MaxFrame || size > len(batch) {
		return nil, &MalformedError{fmt.Sprintf("size %d of %d bytes", size, len(batch))}
	}
	f.Kind, f.Flags, f.Type = Kind(batch[4]), Flags(batch[5]), batch[6]
	f.Conn = binary.LittleEndian.Uint64(batch[8:])
	f.Epoch = binary.LittleEndian.Uint32(batch[16:])
	f.N = binary.LittleEndian.Uint32(batch[20:])
	f.Stream = binary.LittleEndian.Uint64(batch[24:])
	f.Aux = binary.LittleEndian.Uint64(batch[32:])
	if f.Kind == KindUnspecified || f.Kind >= kindEnd {
		return nil, &MalformedError{fmt.Sprintf("kind %d", f.Kind)}
	}
	if batch[7] != 0 {
		return nil, &MalformedError{fmt.Sprintf("%v: byte 7 is %d", f.Kind, batch[7])}
	}
	f.Headers, f.Payload = nil, batch[HeaderSize:size:size]
	if f.Kind.hasHeaders() {
		if int64(f.N) > int64(len(f.Payload)) {
			return nil, &MalformedError{fmt.Sprintf("%v: %d bytes of headers in %d", f.Kind, f.N, len(f.Payload))}
		}
		f.Headers, f.Payload = f.Payload[:f.N:f.N], f.Payload[f.N:]
	}
	if f.Kind == Data && len(f.Payload) > MaxChunk {
		return nil, &MalformedError{fmt.Sprintf("DATA of %d bytes", len(f.Payload))}
	}
	return batch[size:], nil
}

// Whole returns the length of the leading frames of b that together have at
// most limit bytes, but at least one. b holds whole frames.
func Whole(b []byte, limit int) int {
	n := 0
	for n < len(b) {
		size := int(binary.LittleEndian.Uint32(b[n:]))
		if n > 0 && n+size > limit {
			break
		}
		n += size
	}
	return n
}

// CheckBatch reports whether b is whole frames, by their sizes.
func CheckBatch(b []byte) error {
	n, _, err := whole(b)
	if err == nil && n != len(b) {
		err = &MalformedError{fmt.Sprintf("batch ends within a frame, %d bytes left over", len(b)-n)}
	}
	return err
}

// SetEpoch rewrites the epoch of an encoded frame.
func SetEpoch(raw []byte, epoch uint32) { binary.LittleEndian.PutUint32(raw[16:], epoch) }

// SetFlags rewrites the flags of an encoded frame.
func SetFlags(raw []byte, flags Flags) { raw[5] = byte(flags) }

// SetAux rewrites the aux field of an encoded frame.
func SetAux(raw []byte, aux uint64) { binary.LittleEndian.PutUint64(raw[32:], aux) }

// SetConn rewrites the connection of an encoded frame.
func SetConn(raw []byte, conn uint64) { binary.LittleEndian.PutUint64(raw[8:], conn) }

// FlagsOf returns the flags of an encoded frame.
func FlagsOf(raw []byte) Flags { return Flags(raw[5]) }

// ConnOf returns the connection of an encoded frame.
func ConnOf(raw []byte) uint64 { return binary.LittleEndian.Uint64(raw[8:]) }

// KindOf returns the kind of an encoded frame.
func KindOf(raw []byte) Kind { return Kind(raw[4]) }
