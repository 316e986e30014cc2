package kernel

import (
	"errors"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"

	"github.com/netcore-go/netcore/kernel/internal/admission"
	fsm "github.com/netcore-go/netcore/kernel/internal/slot"
	"github.com/netcore-go/netcore/sdk/link"
	pb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// A bench is a kernel that does not run, with one connection whose plugins the
// test plays, step by step.
type bench struct {
	t *testing.T
	k *Kernel
	l *listener
	c *conn
}

// A dummy is a host of which nothing is left but what the test needs.
type dummy struct {
	host
	send func() error
}

func (d dummy) sendDescriptor(int, int) error {
	if d.send == nil {
		return nil
	}
	return d.send()
}
func (d dummy) kill()      {}
func (d dummy) err() error { return nil }

func newBench(t *testing.T) *bench {
	t.Helper()
	cfg := Config{
		RunDir:    t.TempDir(),
		Listeners: []Listener{{Name: "a", Protocol: "p", Handler: "h", Address: "127.0.0.1:0"}},
		Plugins:   map[string]Plugin{"p": {Path: "p"}, "h": {Path: "h"}},
	}
	k, err := New(cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.quit)
	k.admission = admission.New(0)
	b := &bench{t: t, k: k, l: k.newListener(k.cfg.Listeners[0])}
	k.install(k.cfg, []*listener{b.l})
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(pair[0]); unix.Close(pair[1]) })
	b.c = k.newConn(newTurn(), b.l, pair[0], netip.MustParseAddrPort("127.0.0.1:9"))
	return b
}

func (b *bench) instance(s *slot, inc uint64) *instance {
	our, _ := link.Pair()
	in := &instance{k: b.k, slot: s, inc: inc, manifest: &pb.Manifest{}, host: dummy{}, emptied: make(chan struct{}, 1)}
	in.attach([]*link.Link{our})
	return in
}

func (b *bench) protocol(inc uint64) *instance { return b.instance(b.l.protocolSlot, inc) }

func (b *bench) handler(inc uint64) *instance {
	in := b.instance(b.l.handlerSlot, inc)
	b.l.handlerSlot.serving.Store(in)
	return in
}

// serve makes in the owner.
func (b *bench) serve(in *instance) {
	b.l.protocolSlot.serving.Store(in)
	b.c.mu.Lock()
	b.c.opened = true
	b.c.lastEpoch++
	b.c.own(in, b.c.lastEpoch)
	b.c.mu.Unlock()
}

// says has the owner's or the handler's frame arrive.
func (b *bench) says(in *instance, f link.Frame) {
	b.t.Helper()
	f.Conn = b.c.id
	if f.Epoch == 0 {
		f.Epoch = b.c.epoch
		if !in.slot.protocol {
			f.Epoch = b.c.bindEpoch
		}
	}
	if err := in.readers[0].receive(link.AppendFrame(nil, &f)); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) dies(in *instance) {
	in.dead.Store(true)
	in.slot.serving.CompareAndSwap(in, nil)
	if in.slot.protocol {
		b.k.orphan(in)
	} else {
		b.k.bereave(in)
	}
}

// rests has from let go of the connection for to.
func (b *bench) rests(from, to *instance) *move {
	b.t.Helper()
	m := newMove(from, to)
	b.l.protocolSlot.serving.Store(to)
	b.k.prepare(newTurn(), m, b.c)
	record, err := proto.Marshal(&pb.Record{Version: 1, Consumed: b.c.end, Written: b.c.written})
	if err != nil {
		b.t.Fatal(err)
	}
	b.says(from, link.Frame{Kind: link.Prepared, Payload: record})
	return m
}

// TestAcknowledgedDuringOffer: what the handler is done with between OFFER and
// READY is told to the new owner, whose window would shrink with each swap.
func TestAcknowledgedDuringOffer(t *testing.T) {
	b := newBench(t)
	from, to, h := b.protocol(1), b.protocol(2), b.handler(1)
	b.k.rebind(h)
	b.serve(from)
	for i := range 3 {
		b.says(from, link.Frame{Kind: link.Data, Aux: uint64(10 * (i + 1)), Payload: make([]byte, 10)})
	}
	b.says(h, link.Frame{Kind: link.Ack, N: 1, Aux: 10})
	b.k.offerRested(b.rests(from, to)) // says that 2 are outstanding
	b.says(h, link.Frame{Kind: link.Ack, N: 1, Aux: 10})
	b.says(to, link.Frame{Kind: link.Ready, Epoch: b.c.offerEpoch})
	b.says(h, link.Frame{Kind: link.Ack, N: 1, Aux: 10})
	if want := (window{2, 20}); b.c.tie != tieServing || b.c.owner != to || b.c.acked != want {
		t.Errorf("tie %d, %+v to be acknowledged, want serving by the successor and %+v", b.c.tie, b.c.acked, want)
	}
}

// TestHalfMessageOfTwoDeadHandlers: the rest of a message whose first parts died
// with a handler is dropped, also if the next handler dies before it has come.
func TestHalfMessageOfTwoDeadHandlers(t *testing.T) {
	b := newBench(t)
	p := b.protocol(1)
	b.serve(p)
	for inc := range uint64(2) {
		h := b.handler(inc + 1)
		b.k.rebind(h)
		b.says(p, link.Frame{Kind: link.Data, Flags: link.More, Payload: make([]byte, 10)})
		b.dies(h)
	}
	b.k.rebind(b.handler(3))
	b.says(p, link.Frame{Kind: link.Data, Aux: 30, Payload: make([]byte, 10)})
	if b.c.given != (window{}) {
		t.Errorf("%+v was given to the handler, want nothing: it is the end of a message", b.c.given)
	}
	if b.c.in != (window{}) || b.c.acked.messages != 1 || b.c.acked.bytes != 30 {
		t.Errorf("%+v outstanding, %+v acknowledged, want all acknowledged", b.c.in, b.c.acked)
	}
}

// TestCreditOfAnotherHandler: what a handler has sent does not open the window of
// its successor, who would send more than the kernel lets it.
func TestCreditOfAnotherHandler(t *testing.T) {
	b := newBench(t)
	p, first := b.protocol(1), b.handler(1)
	b.k.rebind(first)
	b.serve(p)
	for range 100 {
		b.says(first, link.Frame{Kind: link.Data, Payload: make([]byte, 10)})
	}
	b.dies(first)
	second := b.handler(2)
	b.k.rebind(second)
	b.says(p, link.Frame{Kind: link.Written, N: 60, Aux: 600})
	for range windowMessages { // as many as its window allows
		b.says(second, link.Frame{Kind: link.Data, Payload: make([]byte, 10)})
	}
	b.says(p, link.Frame{Kind: link.Written, N: 40, Aux: 1000})
	if b.c.credit != (window{}) || b.c.uncredited.messages != windowMessages {
		t.Errorf("credit %+v, %+v outstanding, want none and %d", b.c.credit, b.c.uncredited, windowMessages)
	}
}

// TestOwnerDiesWhileDescriptorIsSent: and the successor cannot take it. The
// connection waits for the next one.
func TestOwnerDiesWhileDescriptorIsSent(t *testing.T) {
	b := newBench(t)
	from, to := b.protocol(1), b.protocol(2)
	b.serve(from)
	m := b.rests(from, to)
	to.host = dummy{send: func() error {
		b.dies(from)
		return errors.New("broken pipe")
	}}
	b.k.offerRested(m)
	if b.c.tie != tieNone || b.c.move != nil {
		t.Errorf("tie %d, move %v, want neither", b.c.tie, b.c.move)
	}
	b.dies(to)
	next := b.protocol(3)
	b.l.protocolSlot.serving.Store(next)
	b.k.adopt(next)
	if b.c.offerTo != next {
		t.Error("the connection is not offered to the next instance")
	}
}

// TestHandToOneThatServesNoMore: its connections are moved away, or were.
func TestHandToOneThatServesNoMore(t *testing.T) {
	b := newBench(t)
	old, to := b.protocol(1), b.protocol(2)
	b.l.protocolSlot.serving.Store(to)
	b.k.adopt(old)
	b.k.settleProtocol(newTurn(), b.c)
	if b.c.owner != to {
		t.Errorf("owner = %v, want %v", b.c.owner, to)
	}
	if n := old.conns.Load(); n != 0 {
		t.Errorf("the old one has %d connections", n)
	}
}

// TestDrainingInstanceEndsInQuarantine: nobody will adopt what it had.
func TestDrainingInstanceEndsInQuarantine(t *testing.T) {
	b := newBench(t)
	p, h := b.protocol(1), b.handler(1)
	b.k.rebind(h)
	b.serve(p)
	s := b.l.handlerSlot
	s.serving.Store(nil)
	s.state = fsm.State{Mode: fsm.Quarantined, Old: fsm.Instance{Inc: 1}}
	s.given.Store(true)
	h.retired.Store(true)
	s.died(h)
	b.k.work.Wait()
	if !b.c.closing {
		t.Error("the connection waits for a handler that will not come")
	}
}

// TestRestOfADroppedMessage: it does not become a message.
func TestRestOfADroppedMessage(t *testing.T) {
	b := newBench(t)
	p, h := b.protocol(1), b.handler(1)
	b.k.rebind(h)
	b.serve(p)
	b.rests(p, b.protocol(2))
	b.says(h, link.Frame{Kind: link.Data, Flags: link.More, Payload: make([]byte, 10)})
	b.c.mu.Lock()
	b.k.abort(newTurn(), b.c, link.CauseOverflow)
	b.c.mu.Unlock()
	b.says(h, link.Frame{Kind: link.Data, Payload: make([]byte, 10)})
	if b.c.out.Bytes() != 0 {
		t.Error("the end of a message waits to be written")
	}
}

// TestStatusAfterARejectedReload: the listener that serves is shown, not the one
// that was to take its place.
func TestStatusAfterARejectedReload(t *testing.T) {
	b := newBench(t)
	cfg := b.l.Listener
	cfg.Handler = "other"
	l := b.k.newListener(cfg)
	l.stats = b.l.stats
	b.k.install(b.k.cfg, []*listener{l})
	b.k.uninstall(l)
	if got := b.k.Status().Listeners; len(got) != 1 || got[0].Handler != "h" {
		t.Errorf("listeners = %+v, want the first", got)
	}
}
