package kernel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netcore-go/netcore/kernel/internal/admission"
	"github.com/netcore-go/netcore/sdk/link"

	"go.uber.org/zap"
)

// maxSocketPath is how long the path of a unix socket may be, in bytes.
const maxSocketPath = 107

// prepareRunDir makes the directory for sockets, for this user only.
func prepareRunDir(dir string) error {
	if len(dir)+len("/admin.sock") > maxSocketPath {
		return fmt.Errorf("%w: run_dir %s is %d bytes long; sockets in it need it to have at most %d", ErrInvalid, dir, len(dir), maxSocketPath-len("/admin.sock"))
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("run_dir: %w", err)
	}
	probe, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return fmt.Errorf("run_dir %s cannot be written to: %w", dir, bareFile(err))
	}
	probe.Close()
	return os.Remove(probe.Name())
}

// bareFile strips the path from an error of package os.
func bareFile(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// limits sets how many connections fit.
func (k *Kernel) limits() error {
	files, err := admission.RaiseNoFile()
	if err != nil {
		k.log.Warn("limit on open files", zap.Error(err))
	}
	fit := admission.DefaultMax(files)
	k.mu.Lock() // Status may be asked already
	defer k.mu.Unlock()
	switch {
	case k.cfg.MaxConnections == 0:
		k.cfg.MaxConnections = fit
	case k.cfg.MaxConnections > fit:
		return fmt.Errorf("%w: max_connections is %d, but with a limit of %d open files %d fit; raise it (ulimit -n, LimitNOFILE=)", ErrInvalid, k.cfg.MaxConnections, files, fit)
	}
	k.admission = admission.New(k.cfg.MaxConnections)
	return nil
}

// bindAll opens the listeners' sockets, all or none.
func (k *Kernel) bindAll(ctx context.Context, configs []Listener) ([]*listener, error) {
	var bound []*listener
	var errs []error
	for _, cfg := range configs {
		l, err := k.bindListener(ctx, cfg)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		bound = append(bound, l)
	}
	if len(errs) > 0 {
		for _, l := range bound {
			l.close()
		}
		return nil, errors.Join(errs...)
	}
	return bound, nil
}

// newListener returns a listener without a socket.
func (k *Kernel) newListener(cfg Listener) *listener {
	l := &listener{Listener: cfg, k: k, network: "tcp", stats: &stats{start: time.Now()}}
	if cfg.Packet {
		l.network = "udp"
	}
	return l
}

func (k *Kernel) bindListener(ctx context.Context, cfg Listener) (*listener, error) {
	l := k.newListener(cfg)
	if cfg.Packet {
		p, err := listenUDP(ctx, cfg.Address)
		if err != nil {
			return nil, fmt.Errorf("listener %s: %w", cfg.Name, err)
		}
		l.packet, l.address = p, p.addr
		return l, nil
	}
	s, err := listenTCP(ctx, cfg.Address)
	if err != nil {
		return nil, fmt.Errorf("listener %s: %w", cfg.Name, err)
	}
	l.socket, l.address = s, s.addr
	return l, nil
}

// close stops accepting. Connections go on.
func (l *listener) close() {
	if l.closed.Swap(true) {
		return
	}
	if l.socket != nil {
		l.socket.close()
	}
	if l.packet != nil {
		l.packet.close()
	}
}

// install makes listeners and the slots that they name the kernel's.
func (k *Kernel) install(cfg Config, listeners []*listener) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, l := range listeners {
		l.index = len(k.listeners)
		k.admission.Set(l.index, admission.Limits{Max: l.Limits.MaxConnections, PerSource: l.Limits.PerSource})
		k.listeners = append(k.listeners, l)
		l.protocolSlot = k.slotLocked(l.Protocol, true, cfg.Plugins[l.Protocol])
		l.handlerSlot = k.slotLocked(l.Handler, false, cfg.Plugins[l.Handler])
		l.protocolSlot.serveListener(l)
	}
}

func (k *Kernel) slotLocked(name string, protocol bool, p Plugin) *slot {
	s := k.slots[name]
	if s == nil {
		s = newSlot(k, name, protocol, p)
		k.slots[name] = s
	}
	return s
}

func (s *slot) serveListener(l *listener) {
	s.mu.Lock()
	s.listeners = append(s.listeners, l)
	s.mu.Unlock()
}

// packetSocket is a UDP socket that plugins are lent, one at a time.
type packetSocket struct {
	fd   int
	addr netip.AddrPort
}

func listenUDP(ctx context.Context, address string) (*packetSocket, error) {
	var lc net.ListenConfig
	pc, err := lc.ListenPacket(ctx, "udp", address)
	if err != nil {
		return nil, fmt.Errorf("listen udp %s: %w", address, bare(err))
	}
	defer pc.Close() // the duplicate goes on
	u := pc.(*net.UDPConn)
	raw, err := u.SyscallConn()
	if err != nil {
		return nil, err
	}
	p := &packetSocket{fd: -1, addr: u.LocalAddr().(*net.UDPAddr).AddrPort()}
	if cerr := raw.Control(func(fd uintptr) { p.fd, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) }); cerr != nil || err != nil {
		return nil, fmt.Errorf("listen udp %s: %w", address, errors.Join(cerr, err))
	}
	return p, nil
}

func (p *packetSocket) close() { unix.Close(p.fd) }

// lendSockets gives an instance the packet sockets of its listeners.
func (k *Kernel) lendSockets(in *instance) {
	in.slot.mu.Lock()
	listeners := append([]*listener(nil), in.slot.listeners...)
	in.slot.mu.Unlock()
	t := newTurn()
	for _, l := range listeners {
		if l.packet == nil || l.closed.Load() {
			continue
		}
		r := in.readers[0]
		r.fdMu.Lock()
		if err := in.host.sendDescriptor(r.index, l.packet.fd); err != nil {
			in.fail(fmt.Sprintf("descriptor socket: %v", err))
		} else {
			t.append(in, &link.Frame{Kind: link.Listen, Flags: link.Descriptor, Stream: uint64(l.index)})
		}
		r.fdMu.Unlock()
	}
	t.flush()
}
