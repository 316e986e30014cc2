package streamhost

import "github.com/netcore-go/netcore/sdk/link"

// Headers repeat: the same keys, and often the same values, come with each
// message. A headerTable keeps short ones so that parsing them allocates
// nothing.
const (
	internSize  = 64  // bytes of a string worth keeping
	internCount = 512 // strings kept
)

// A headerTable parses header blocks into one map, which is valid until the
// next parse. It is not safe for concurrent use.
type headerTable struct {
	m       map[string]string
	strings map[string]string
}

func (t *headerTable) parse(block []byte) (map[string]string, error) {
	if len(block) == 0 {
		return nil, nil
	}
	if t.m == nil {
		t.m, t.strings = make(map[string]string), make(map[string]string)
	}
	clear(t.m)
	for len(block) > 0 {
		k, v, rest, err := link.NextHeader(block)
		if err != nil {
			return nil, err
		}
		t.m[t.intern(k)] = t.intern(v)
		block = rest
	}
	return t.m, nil
}

func (t *headerTable) intern(b []byte) string {
	if len(b) > internSize {
		return string(b)
	}
	if s, ok := t.strings[string(b)]; ok {
		return s
	}
	if len(t.strings) >= internCount {
		clear(t.strings)
	}
	s := string(b)
	t.strings[s] = s
	return s
}
