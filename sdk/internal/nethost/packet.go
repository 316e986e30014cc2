package nethost

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// A packetConn is a packet socket that is not read while somebody holds it: then
// ReadFrom waits, since a protocol may take any error for the end of the socket.
//
// It embeds nothing: a *net.UDPConn that can be seen would be read around it.
type packetConn struct {
	pc net.PacketConn

	mu       sync.Mutex // guards the fields below
	change   sync.Cond
	holds    int
	reading  int
	deadline time.Time // of the protocol, for reads
	closed   bool
}

var _ net.PacketConn = (*packetConn)(nil)

// past makes reads return.
var past = time.Unix(1, 0)

func newPacketConn(pc net.PacketConn) *packetConn {
	p := &packetConn{pc: pc}
	p.change.L = &p.mu
	return p
}

func (p *packetConn) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		if !p.begin() {
			return 0, nil, net.ErrClosed
		}
		n, from, err := p.pc.ReadFrom(b)
		if again := p.end(err); !again {
			return n, from, err
		}
	}
}

// begin waits until nobody holds the socket. It reports whether it is open.
func (p *packetConn) begin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.holds > 0 && !p.closed {
		p.change.Wait()
	}
	if p.closed {
		return false
	}
	p.reading++
	return true
}

// end reports whether err is only a hold's.
func (p *packetConn) end(err error) (again bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reading--
	p.change.Broadcast()
	if p.closed || !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	return p.deadline.IsZero() || time.Now().Before(p.deadline)
}

// hold stops reading; it returns when no ReadFrom is under way.
func (p *packetConn) hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holds++
	_ = p.pc.SetReadDeadline(past) // fails if closed; then nothing is read either
	for p.reading > 0 && p.holds > 0 && !p.closed {
		p.change.Wait()
	}
}

// unhold takes back one hold.
func (p *packetConn) unhold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holds--
	if p.holds == 0 {
		_ = p.pc.SetReadDeadline(p.deadline)
		p.change.Broadcast()
	}
}

func (p *packetConn) WriteTo(b []byte, to net.Addr) (int, error) { return p.pc.WriteTo(b, to) }

func (p *packetConn) LocalAddr() net.Addr { return p.pc.LocalAddr() }

func (p *packetConn) SetDeadline(t time.Time) error {
	if err := p.SetReadDeadline(t); err != nil {
		return err
	}
	return p.SetWriteDeadline(t)
}

// SetReadDeadline is kept for later while the socket is held.
func (p *packetConn) SetReadDeadline(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deadline = t
	if p.holds > 0 {
		return nil
	}
	return p.pc.SetReadDeadline(t)
}

func (p *packetConn) SetWriteDeadline(t time.Time) error { return p.pc.SetWriteDeadline(t) }

func (p *packetConn) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.change.Broadcast()
	return p.pc.Close()
}
