package load

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
)

// spread is the number of different fillings; a prime, so that neighbouring
// connections and sequence numbers have different ones.
const spread = 4093

// newPattern returns the random bytes that all payloads of a run are cut from.
func newPattern(size int) []byte {
	p := make([]byte, size+spread)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range p {
		p[i] = byte(r.Uint32())
	}
	return p
}

// A stamp makes and checks the payloads of one connection: the low bytes of the
// sequence number, as many as fit up to eight, and then a filling that depends
// on connection and sequence number, so that a reply that belongs to another
// connection or was put together from two messages shows.
type stamp struct {
	pattern []byte
	conn    uint64
	size    int
	width   int // bytes of the sequence number
}

func newStamp(pattern []byte, conn, size int) stamp {
	return stamp{pattern: pattern, conn: uint64(conn) * 2654435761, size: size, width: min(size, 8)}
}

// bits is the number of bits of the sequence number that payloads carry.
func (s *stamp) bits() uint { return uint(8 * s.width) }

// fill writes the payload of request seq into p, which is size bytes long.
func (s *stamp) fill(p []byte, seq uint64) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], seq)
	copy(p, b[:s.width])
	copy(p[s.width:], s.filling(low(seq, s.bits())))
}

// check returns the low bits of the sequence number in p, and whether p is what
// fill wrote for it.
func (s *stamp) check(p []byte) (seq uint64, ok bool) {
	if len(p) != s.size {
		return 0, false
	}
	var b [8]byte
	copy(b[:], p[:s.width])
	seq = binary.LittleEndian.Uint64(b[:])
	return seq, bytes.Equal(p[s.width:], s.filling(seq))
}

func (s *stamp) filling(seq uint64) []byte {
	at := (s.conn + seq%spread) % spread
	return s.pattern[at : at+uint64(s.size-s.width)]
}

// low returns the low n bits of v.
func low(v uint64, n uint) uint64 { return v & (1<<n - 1) }
