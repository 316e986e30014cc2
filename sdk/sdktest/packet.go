package sdktest

import (
	"net"

	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"

	"github.com/netcore-go/netcore/sdk/link"
	pb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// A Listener is a packet socket that a plugin serves.
type Listener struct {
	k      *Kernel
	fd     int
	addr   net.Addr
	conns  []*Conn // admitted, in the order in which they were asked for
	echo   bool
	refuse int // requests to refuse from now on
}

// Listen gives in a packet socket on loopback. Each peer that the plugin asks
// for is admitted. Echo is on.
func (k *Kernel) Listen(in *Instance) *Listener {
	k.t.Helper()
	pc, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		k.t.Fatal(err)
	}
	defer pc.Close()
	l := &Listener{k: k, fd: duplicate(k.t, pc), addr: pc.LocalAddr(), echo: true}
	in.fdMu.Lock()
	defer in.fdMu.Unlock()
	if err := in.body.sendDescriptor(l.fd); err != nil {
		k.t.Fatalf("send descriptor: %v", err)
	}
	k.mu.Lock()
	defer k.unlock()
	k.listeners = append(k.listeners, l)
	k.sendLocked(in, &link.Frame{Kind: link.Listen, Flags: link.Descriptor, Stream: listenerIndex})
	return l
}

// Addr is where clients send to.
func (l *Listener) Addr() net.Addr { return l.addr }

// Refuse has the next n requests refused.
func (l *Listener) Refuse(n int) {
	l.k.mu.Lock()
	defer l.k.mu.Unlock()
	l.refuse = n
}

// Conns waits until n connections were admitted, and returns all so far.
func (l *Listener) Conns(n int) []*Conn {
	l.k.t.Helper()
	l.k.wait(func() bool { return len(l.conns) >= n }, "request %d", n)
	l.k.mu.Lock()
	defer l.k.mu.Unlock()
	return append([]*Conn(nil), l.conns...)
}

func (l *Listener) close() { unix.Close(l.fd) }

// openRequestLocked answers OPEN_REQUEST.
func (k *Kernel) openRequestLocked(in *Instance, f *link.Frame) {
	var r pb.OpenRequest
	if err := proto.Unmarshal(f.Payload, &r); err != nil {
		k.violation(in, f, "%v", err)
		return
	}
	if len(k.listeners) == 0 || r.GetListener() != listenerIndex || r.GetRemote() == "" {
		k.violation(in, f, "listener %d, remote %q", r.GetListener(), r.GetRemote())
		return
	}
	l := k.listeners[len(k.listeners)-1]
	if l.refuse > 0 {
		l.refuse--
		k.sendLocked(in, &link.Frame{Kind: link.Refuse, Stream: f.Stream, N: link.CauseRefused})
		return
	}
	c := &Conn{k: k, ID: k.nextIDLocked(), fd: -1, owner: in, epoch: 1, last: 1, echo: l.echo, messages: windowMessages, bytes: windowBytes}
	k.conns[c.ID] = c
	l.conns = append(l.conns, c)
	o := c.info()
	o.Local, o.Remote = r.GetLocal(), r.GetRemote()
	k.sendLocked(in, &link.Frame{Kind: link.Open, Conn: c.ID, Epoch: c.epoch, Stream: f.Stream, Payload: marshal(o)})
}
