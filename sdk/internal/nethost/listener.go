package nethost

import (
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/netcore-go/netcore/sdk/link"
	pluginpb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// A listener is one configured listener and the run of the protocol's loop on it.
type listener struct {
	host *Host
	cfg  *pluginpb.ListenerConfig

	mu      sync.Mutex // guards the fields below
	accepts *accepts   // nil before the first OPEN or OFFER, and over packets
	packets *packetConn
	ended   bool // the loop has returned, or will find itself closed
}

func newListener(h *Host, cfg *pluginpb.ListenerConfig) *listener {
	return &listener{host: h, cfg: cfg}
}

func (l *listener) name() string { return l.cfg.GetName() }

// socket returns the packet socket, nil over streams.
func (l *listener) socket() *packetConn {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.packets
}

// push hands c to Accept. It reports whether the listener is still served.
func (l *listener) push(c net.Conn, local net.Addr) bool {
	l.mu.Lock()
	if l.accepts == nil && !l.ended {
		l.accepts = newAccepts(local)
		a := l.accepts
		l.start(func() error {
			return l.host.stream.Serve(l.host.ctx, a, kernel{l}, l.cfg.GetOptions())
		})
	}
	a, ended := l.accepts, l.ended
	l.mu.Unlock()
	return !ended && a.push(c)
}

// listen serves pc.
func (l *listener) listen(pc net.PacketConn) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.packets != nil || l.ended {
		pc.Close()
		return fmt.Errorf("LISTEN: listener %s has a socket already", l.name())
	}
	p := newPacketConn(pc)
	l.packets = p
	l.start(func() error {
		return l.host.packet.ServePacket(l.host.ctx, p, kernel{l}, l.cfg.GetOptions())
	})
	return nil
}

// start runs the protocol's loop; it ends when the listener is closed.
func (l *listener) start(serve func() error) {
	l.host.running.Add(1)
	go func() {
		defer l.host.running.Done()
		l.returned(guard(serve))
	}()
}

// returned cleans up after the protocol's loop.
func (l *listener) returned(err error) {
	early := l.stop()
	cause := link.CauseDraining
	if early && l.host.ctx.Err() == nil {
		cause = link.CauseInternal
		l.report(err)
	}
	for _, s := range l.host.served(l) {
		s.unserved(cause)
	}
	l.host.flush()
}

// report tells the process that it is of no more use.
func (l *listener) report(err error) {
	if err == nil {
		err = errors.New("the protocol's loop has ended")
	}
	l.host.logPanic(err)
	err = fmt.Errorf("serve listener %s: %w", l.name(), err)
	select {
	case l.host.done <- err:
	default: // one is enough to end the process
		l.host.log.Error("serve", "error", err)
	}
}

// close makes the protocol's loop return.
func (l *listener) close() { l.stop() }

// stop closes what the loop listens on. It reports whether it was the first.
func (l *listener) stop() bool {
	l.mu.Lock()
	first := !l.ended
	l.ended = true
	a, p := l.accepts, l.packets
	l.mu.Unlock()
	if a != nil {
		a.Close()
	}
	if p != nil {
		_ = p.Close() // the protocol may have done so
	}
	return first
}

// goneCause is why a connection that comes now is not served.
func (l *listener) goneCause() link.Cause {
	if l.host.ctx.Err() != nil {
		return link.CauseDraining
	}
	return link.CauseInternal
}
