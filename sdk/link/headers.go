package link

import (
	"encoding/binary"
	"fmt"
)

// AppendHeaders appends the header block of h to dst. Keys longer than 65,535
// bytes are cut.
func AppendHeaders(dst []byte, h map[string]string) []byte {
	for k, v := range h {
		dst = AppendHeader(dst, k, v)
	}
	return dst
}

// AppendHeader appends one pair of a header block to dst.
func AppendHeader[V string | []byte](dst []byte, key string, value V) []byte {
	if len(key) > 65535 {
		key = key[:65535]
	}
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(key)))
	dst = append(dst, key...)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(value)))
	return append(dst, value...)
}

// NextHeader parses the first pair of a header block and returns the rest. key
// and value point into block.
func NextHeader(block []byte) (key, value, rest []byte, err error) {
	if len(block) < 2 {
		return nil, nil, nil, errHeaders(block)
	}
	kl := int(binary.LittleEndian.Uint16(block))
	if len(block) < 2+kl+4 {
		return nil, nil, nil, errHeaders(block)
	}
	vl := uint64(binary.LittleEndian.Uint32(block[2+kl:]))
	if vl > uint64(len(block)-2-kl-4) {
		return nil, nil, nil, errHeaders(block)
	}
	end := 2 + kl + 4 + int(vl)
	return block[2 : 2+kl], block[2+kl+4 : end], block[end:], nil
}

// Headers parses a whole header block; nil if it is empty.
func Headers(block []byte) (map[string]string, error) {
	if len(block) == 0 {
		return nil, nil
	}
	h := make(map[string]string, 4)
	for len(block) > 0 {
		k, v, rest, err := NextHeader(block)
		if err != nil {
			return nil, err
		}
		h[string(k)] = string(v)
		block = rest
	}
	return h, nil
}

func errHeaders(block []byte) error {
	return &MalformedError{fmt.Sprintf("header block with %d bytes left over", len(block))}
}
