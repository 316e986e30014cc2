package testplugins

import (
	"context"
	"errors"
	"net"
	"sync"

	"github.com/netcore-go/netcore/sdk"
)

// queued is how many datagrams of one peer may wait; more are dropped, as
// datagrams may be.
const queued = 64

// Gram is a packet protocol: each datagram that begins with a letter is a
// message, others are ignored.
type Gram struct{}

var _ sdk.PacketProtocol = Gram{}

// Info names the protocol.
func (Gram) Info() sdk.Info { return sdk.Info{Name: "gram", Network: "udp"} }

// ServePacket serves each peer on a goroutine.
func (Gram) ServePacket(ctx context.Context, pc net.PacketConn, kernel sdk.Kernel, _ []byte) error {
	ctx, cancel := context.WithCancel(ctx)
	g := &grams{pc: pc, kernel: kernel, peers: make(map[string]*gramPeer)}
	defer g.all.Wait()
	defer cancel()
	b := make([]byte, 64<<10)
	for {
		n, from, err := pc.ReadFrom(b)
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		if n > 0 && (b[0] >= 'a' && b[0] <= 'z' || b[0] >= 'A' && b[0] <= 'Z') {
			g.take(ctx, from, append([]byte(nil), b[:n]...))
		}
	}
}

// grams is one run of ServePacket.
type grams struct {
	pc     net.PacketConn
	kernel sdk.Kernel
	all    sync.WaitGroup

	mu    sync.Mutex // guards the field below
	peers map[string]*gramPeer
}

// take hands a datagram to its peer.
func (g *grams) take(ctx context.Context, from net.Addr, data []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := g.peers[from.String()]
	if p == nil {
		// Capacity: a peer's share of memory while the kernel makes it wait.
		p = &gramPeer{of: g, addr: from, in: make(chan []byte, queued), over: make(chan struct{})}
		g.peers[from.String()] = p
		g.all.Go(func() { p.serve(ctx) }) // ends with ctx, or when the peer is gone
	}
	select {
	case p.in <- data:
	default:
	}
}

// A gramPeer is one remote address.
type gramPeer struct {
	of   *grams
	addr net.Addr
	in   chan []byte
	over chan struct{} // closed by Close
}

func (p *gramPeer) serve(ctx context.Context) {
	defer p.forget()
	s, err := p.of.kernel.Request(ctx, p.of.pc.LocalAddr(), p.addr, "", p)
	if err != nil {
		return // refused, or the end: the next datagram asks again
	}
	for {
		select {
		case data := <-p.in:
			if s.Deliver(ctx, sdk.Message{Type: sdk.MessageTypeBinary, Data: data}) != nil {
				s.Close(nil)
				return
			}
		case <-p.over:
			return
		case <-ctx.Done():
			s.Close(nil)
			return
		}
	}
}

func (p *gramPeer) forget() {
	p.of.mu.Lock()
	defer p.of.mu.Unlock()
	delete(p.of.peers, p.addr.String())
}

// Send writes a datagram.
func (p *gramPeer) Send(m sdk.Message) error {
	_, err := p.of.pc.WriteTo(m.Data, p.addr)
	return err
}

// EndReply has nothing to do: there are no streams.
func (*gramPeer) EndReply(uint64) {}

// Close ends the peer.
func (p *gramPeer) Close(error) { close(p.over) }
