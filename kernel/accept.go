package kernel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/netcore-go/netcore/kernel/internal/queue"
	"github.com/netcore-go/netcore/kernel/internal/sockstat"
)

// acceptBurst is how many connections are accepted before their frames are
// flushed.
const acceptBurst = handBurst

// acceptPause is how long a listener waits when the process is out of
// descriptors or memory.
const acceptPause = 50 * time.Millisecond

// socket is a listening TCP socket whose connections are accepted as raw
// descriptors, which never see Go's poller.
type socket struct {
	file  *os.File // non-blocking and polled; its descriptor is its own
	raw   syscall.RawConn
	addr  netip.AddrPort
	owner atomic.Pointer[listener] // who gets what is accepted
	ended atomic.Bool
}

func listenTCP(ctx context.Context, address string) (*socket, error) {
	var lc net.ListenConfig
	lc.SetMultipathTCP(false) // a multipath socket lacks counters that crash survival needs
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", address, bare(err))
	}
	defer l.Close() // the duplicate goes on listening
	raw, err := l.(*net.TCPListener).SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", address, err)
	}
	fd := -1
	if cerr := raw.Control(func(n uintptr) { fd, err = unix.FcntlInt(n, unix.F_DUPFD_CLOEXEC, 0) }); cerr != nil || err != nil {
		return nil, fmt.Errorf("listen %s: %w", address, errors.Join(cerr, err))
	}
	s := &socket{file: os.NewFile(uintptr(fd), address), addr: l.Addr().(*net.TCPAddr).AddrPort()}
	if s.raw, err = s.file.SyscallConn(); err != nil {
		s.file.Close()
		return nil, fmt.Errorf("listen %s: %w", address, err)
	}
	return s, nil
}

// bare strips what the message says already from an error of package net.
func bare(err error) error {
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		return op.Err
	}
	return err
}

// accept waits for a connection and then takes what is there, at most len(into).
// It returns an error after close.
func (s *socket) accept(into []accepted) (n int, err error) {
	rerr := s.raw.Read(func(fd uintptr) bool {
		for n < len(into) {
			var nfd int
			var from unix.Sockaddr
			nfd, from, err = unix.Accept4(int(fd), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
			switch {
			case err == nil:
				into[n] = accepted{nfd, addrPort(from)}
				n++
			case errors.Is(err, unix.EAGAIN):
				err = nil
				return n > 0 // wait if there was none
			case errors.Is(err, unix.EINTR), errors.Is(err, unix.ECONNABORTED):
				err = nil
			default:
				return true
			}
		}
		return true
	})
	if n > 0 {
		return n, nil // an error comes again
	}
	return 0, errors.Join(rerr, err)
}

func (s *socket) close() {
	s.ended.Store(true)
	s.file.Close()
}

// An accepted connection.
type accepted struct {
	fd   int
	from netip.AddrPort
}

func addrPort(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr).Unmap(), uint16(sa.Port))
	}
	return netip.AddrPort{}
}

// serve accepts until the socket is closed.
func (k *Kernel) serve(s *socket) {
	into := make([]accepted, acceptBurst)
	for {
		n, err := s.accept(into)
		l := s.owner.Load()
		switch {
		case err == nil:
			k.arrive(l, into[:n])
		case s.ended.Load():
			return
		default:
			l.stats.failed(fmt.Errorf("accept: %w", err))
			k.log.Warn("accept", zap.String("listener", l.Name), zap.Error(err))
			if !k.pause(acceptPause) {
				return
			}
		}
	}
}

// arrive admits connections, binds them to their handler and opens them at
// their protocol plugin.
func (k *Kernel) arrive(l *listener, those []accepted) {
	t := newTurn()
	for _, a := range those {
		if ok, why := k.admission.Admit(l.index, sourceOf(a.from)); !ok {
			l.stats.refused.Add(1)
			k.log.Debug("connection refused", zap.String("listener", l.Name), zap.Stringer("remote", a.from), zap.String("bound", string(why)))
			// A reset tells the client at once; its error, if any, is the client's.
			_ = sockstat.Reset(a.fd)
			continue
		}
		if c := k.newConn(t, l, a.fd, a.from); c != nil {
			k.settle(t, c)
		}
	}
	t.flush()
}

// newConn makes the table's entry of a connection that was admitted.
func (k *Kernel) newConn(t *turn, l *listener, fd int, from netip.AddrPort) *conn {
	c := &conn{l: l, fd: fd, remote: from, local: l.address, accepted: time.Unix(0, t.now), requested: fd < 0, out: queue.New(&k.buffers)}
	if fd >= 0 && l.address.Addr().IsUnspecified() {
		if sa, err := unix.Getsockname(fd); err == nil {
			c.local = addrPort(sa)
		}
	}
	c.touch(t.now)
	if !k.conns.Insert(c, func(id uint64) { c.id = id }) {
		k.admission.Release(l.index, sourceOf(from))
		l.stats.refused.Add(1)
		if fd >= 0 {
			_ = sockstat.Reset(fd)
		}
		return nil
	}
	l.stats.began()
	k.idle.add(c)
	return c
}

// settle binds a new connection to the handler and the protocol plugin that
// serve now. If one of them is missing, the connection waits for it; if one is
// replaced meanwhile, its successor looks for such connections. If one will not
// serve again, the connection ends.
func (k *Kernel) settle(t *turn, c *conn) {
	k.settleHandler(t, c)
	k.settleProtocol(t, c)
	c.mu.Lock()
	k.endHopeless(t, c)
	c.mu.Unlock()
}

func (k *Kernel) settleHandler(t *turn, c *conn) {
	for {
		c.mu.Lock()
		// Under the lock: a mover that has looked at c already had its
		// successor serve before.
		h := c.l.handlerSlot.serving.Load()
		if h != nil && c.bond == bondNone {
			k.bind(t, c, h, 0)
		}
		c.mu.Unlock()
		if c.l.handlerSlot.serving.Load() == h {
			return
		}
	}
}

// settleProtocol has nothing to do for a connection that no accept has made.
func (k *Kernel) settleProtocol(t *turn, c *conn) {
	for !c.requested {
		p := c.l.protocolSlot.serving.Load()
		if p != nil {
			k.hand(t, c, p)
		}
		if c.l.protocolSlot.serving.Load() == p {
			return
		}
	}
}
