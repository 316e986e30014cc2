package nethost_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"

	"github.com/netcore-go/netcore/sdk"
)

// dgramProto has a session for each remote address, and with keyed for each
// address and first word.
type dgramProto struct {
	keyed   bool
	refused chan error

	mu       sync.Mutex // guards the field below
	sessions map[string]*dgramPeer
}

var (
	_ sdk.PacketProtocol = (*dgramProto)(nil)
	_ sdk.Quiescer       = (*dgramPeer)(nil)
)

func (p *dgramProto) Info() sdk.Info { return sdk.Info{Name: "dgram", Network: "udp"} }

func (p *dgramProto) ServePacket(_ context.Context, pc net.PacketConn, kernel sdk.Kernel, _ []byte) error {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	p.sessions = make(map[string]*dgramPeer)
	b := make([]byte, 2048)
	for {
		n, from, err := pc.ReadFrom(b)
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		key, text := "", string(b[:n])
		if p.keyed {
			key, text, _ = strings.Cut(text, " ")
		}
		d := p.peer(pc, from, key, func(d *dgramPeer) { all.Go(func() { d.run(ctx, kernel) }) })
		select {
		case d.in <- text:
		default: // a datagram may be lost
		}
	}
}

func (p *dgramProto) peer(pc net.PacketConn, from net.Addr, key string, start func(*dgramPeer)) *dgramPeer {
	p.mu.Lock()
	defer p.mu.Unlock()
	name := from.String() + key
	d := p.sessions[name]
	if d == nil {
		d = &dgramPeer{proto: p, pc: pc, from: from, key: key, name: name, in: make(chan string, 16), over: make(chan struct{})}
		p.sessions[name] = d
		start(d)
	}
	return d
}

func (p *dgramProto) forget(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.sessions, name)
}

// A dgramPeer is one session.
type dgramPeer struct {
	proto *dgramProto
	pc    net.PacketConn
	from  net.Addr
	key   string
	name  string
	in    chan string // capacity: what may come before it is admitted
	over  chan struct{}
}

func (d *dgramPeer) run(ctx context.Context, kernel sdk.Kernel) {
	defer d.proto.forget(d.name)
	s, err := kernel.Request(ctx, d.pc.LocalAddr(), d.from, d.key, d)
	if err != nil {
		if d.proto.refused != nil {
			d.proto.refused <- err
		}
		return
	}
	for {
		select {
		case text := <-d.in:
			if text == "quit" {
				s.Close(nil)
				<-d.over
				return
			}
			if s.Deliver(ctx, sdk.Message{Type: sdk.MessageTypeBinary, Data: []byte(text)}) != nil {
				return
			}
		case <-d.over:
			return
		}
	}
}

func (d *dgramPeer) Send(m sdk.Message) error {
	_, err := d.pc.WriteTo(m.Data, d.from)
	return err
}

func (d *dgramPeer) EndReply(uint64) {}
func (d *dgramPeer) Close(error)     { close(d.over) }

func (d *dgramPeer) Quiesce(context.Context) (unread, state []byte, err error) { return nil, nil, nil }
func (d *dgramPeer) Unquiesce()                                                {}
