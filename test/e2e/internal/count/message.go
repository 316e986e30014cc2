package count

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/rand/v2"
)

// The sizes of a message's payload.
const (
	minMessage = 32
	maxMessage = 4 << 10
)

// A message is, behind the length of four bytes: the connection's number and
// its own, eight bytes each, noise, and a checksum of all that, four bytes.
const (
	lengthSize = 4
	headSize   = 16
	sumSize    = 4
)

var errMalformed = errors.New("checksum does not match")

// noise is what messages are filled with.
var noise = func() []byte {
	b := make([]byte, 1<<20)
	r := rand.NewChaCha8([32]byte{'n', 'o', 'i', 's', 'e'})
	_, _ = r.Read(b) // never fails
	return b
}()

// appendMessage appends the frame of a message of random size and content.
func appendMessage(dst []byte, conn, seq uint64) []byte {
	size := minMessage + rand.IntN(maxMessage-minMessage+1)
	dst = binary.BigEndian.AppendUint32(dst, uint32(size))
	start := len(dst)
	dst = binary.BigEndian.AppendUint64(dst, conn)
	dst = binary.BigEndian.AppendUint64(dst, seq)
	fill := size - headSize - sumSize
	from := rand.IntN(len(noise) - fill)
	dst = append(dst, noise[from:from+fill]...)
	return binary.BigEndian.AppendUint32(dst, crc32.ChecksumIEEE(dst[start:]))
}

// parse reads a message's payload.
func parse(p []byte) (conn, seq uint64, err error) {
	if len(p) < minMessage {
		return 0, 0, errMalformed
	}
	body, sum := p[:len(p)-sumSize], binary.BigEndian.Uint32(p[len(p)-sumSize:])
	if crc32.ChecksumIEEE(body) != sum {
		return 0, 0, errMalformed
	}
	return binary.BigEndian.Uint64(body), binary.BigEndian.Uint64(body[8:]), nil
}
