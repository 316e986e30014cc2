package streamhost

import (
	"fmt"
	"net"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/internal/part"
	pluginpb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// Sizes in bytes. A read takes at most the listener's read_buffer_size; output
// is written before the end of a batch when write_buffer_size has gathered.
const (
	defaultReadSize  = 64 << 10
	minReadSize      = 512
	maxReadSize      = 1 << 20
	defaultWriteSize = 64 << 10
)

// A ListenerError says for which listener the configuration is wrong.
type ListenerError struct {
	Listener string
	Err      error
}

func (e *ListenerError) Error() string { return fmt.Sprintf("listener %s: %v", e.Listener, e.Err) }

// Unwrap returns the error without the listener, often an [*sdk.OptionError].
func (e *ListenerError) Unwrap() error { return e.Err }

// A listener is what the connections of one listener have in common. Durations
// are nanoseconds, 0 for none.
type listener struct {
	name         string
	protocol     sdk.StreamProtocol
	readTimeout  int64
	writeTimeout int64
	interval     int64
	timeout      int64
	readSize     int
	writeSize    int

	// Most connections of a listener have the same local address. Only the
	// link's reader opens connections, so this needs no lock.
	localText string
	local     net.Addr
}

// newListener applies the options of c to p.
func newListener(p sdk.StreamProtocol, c *pluginpb.ListenerConfig) (*listener, error) {
	protocol, err := withOptions(p, c.GetOptions())
	if err != nil {
		return nil, &ListenerError{c.GetName(), err}
	}
	l := &listener{
		name:         c.GetName(),
		protocol:     protocol,
		readTimeout:  max(c.GetReadTimeoutNs(), 0),
		writeTimeout: max(c.GetWriteTimeoutNs(), 0),
		interval:     max(c.GetHeartbeatIntervalNs(), 0),
		timeout:      max(c.GetHeartbeatTimeoutNs(), 0),
		readSize:     defaultReadSize,
		writeSize:    defaultWriteSize,
	}
	if l.timeout == 0 {
		l.timeout = l.interval
	}
	if n := c.GetReadBufferSize(); n > 0 {
		l.readSize = int(min(max(n, minReadSize), maxReadSize))
	}
	if n := c.GetWriteBufferSize(); n > 0 {
		l.writeSize = int(min(n, maxReadSize))
	}
	return l, nil
}

func withOptions(p sdk.StreamProtocol, options []byte) (sdk.StreamProtocol, error) {
	if c, ok := p.(sdk.StreamConfigurer); ok {
		return c.WithOptions(options)
	}
	if len(options) > 0 && string(options) != "{}" && string(options) != "null" {
		return nil, fmt.Errorf("protocol %s has no options", p.Info().Name)
	}
	return p, nil
}

// localAddr is part.ParseAddr of the server's address, shared between
// connections.
func (l *listener) localAddr(text string) net.Addr {
	if text != l.localText || l.local == nil {
		l.localText, l.local = text, part.ParseAddr(text)
	}
	return l.local
}
