package handlerhost

import (
	"encoding"
	"fmt"
	"math"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/netcore-go/netcore/sdk/link"
)

// maxContext bounds what the kernel keeps for a connection: keys and encoded
// values, in bytes.
const maxContext = 256 << 10

// A value is what a key stands for, and its size in the kernel, with the key; 0
// if it is not there.
type value struct {
	value any
	size  int
}

// SetContext keeps value here and, if it can travel, in the kernel.
//
// In this process GetContext returns what was set, with its type. A successor
// finds signed integers as int64, unsigned ones as uint64, floats as float64,
// and an encoding.BinaryMarshaler as the []byte that it is here, too.
func (c *conn) SetContext(key, val interface{}) {
	val, encoded, err := encode(val)
	name, ok := key.(string)
	switch {
	case !ok:
		err = fmt.Errorf("the key is a %T, not a string", key)
	case err == nil && len(name) > math.MaxUint16:
		err = fmt.Errorf("the key has %d bytes", len(name))
	}
	c.mu.Lock()
	size := 0
	if err == nil && len(encoded) > 0 {
		size = len(name) + len(encoded)
	}
	if total := c.contextSize + size - c.values[key].size; total > maxContext {
		err = fmt.Errorf("the connection's context would have %d bytes, at most %d travel", total, maxContext)
	}
	if err != nil {
		encoded, size = nil, 0 // what the kernel has under the key is no longer so
	}
	if ok && (size > 0 || c.values[key].size > 0) && c.state != moved && !c.done {
		c.host.out.appendLocked(&link.Frame{Kind: link.Context, Conn: c.number, Epoch: c.epoch, Headers: link.AppendHeader(nil, name, encoded)})
	}
	c.setLocked(key, value{val, size})
	c.mu.Unlock()
	if err != nil {
		c.host.warn(key, val, err)
	}
	c.host.out.flush()
}

func (c *conn) setLocked(key any, v value) {
	c.contextSize += v.size - c.values[key].size
	if v.value == nil {
		delete(c.values, key)
		return
	}
	if c.values == nil {
		c.values = make(map[any]value)
	}
	c.values[key] = v
}

func (c *conn) GetContext(key interface{}) interface{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.values[key].value
}

// warn logs once for each type of key and value that a pair stays here.
func (h *Host) warn(key, value any, err error) {
	kind := fmt.Sprintf("%T %T", key, value)
	h.mu.Lock()
	known := h.warned[kind]
	h.warned[kind] = true
	h.mu.Unlock()
	if !known {
		h.log.Warn("context value stays in this process", "key", fmt.Sprint(key), "reason", err.Error())
	}
}

// encode returns the value as it is kept here, and as it travels: empty for nil.
func encode(val any) (kept any, encoded []byte, err error) {
	if val == nil {
		return nil, nil, nil
	}
	kept = val
	switch v := val.(type) {
	case []byte:
		kept = slices.Clone(v)
	case encoding.BinaryMarshaler:
		b, err := v.MarshalBinary()
		if err != nil {
			return val, nil, fmt.Errorf("marshal %T: %w", val, err)
		}
		kept = b
	}
	v := wire(kept)
	if v == nil {
		return val, nil, fmt.Errorf("a %T cannot travel", val)
	}
	encoded, err = proto.Marshal(v)
	return kept, encoded, err
}
