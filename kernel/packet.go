package kernel

import (
	"net/netip"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/netcore-go/netcore/sdk/link"
	pb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// openRequest acts on a protocol plugin's wish for a connection that no accept
// has made.
func (k *Kernel) openRequest(t *turn, in *instance, f *link.Frame) error {
	var r pb.OpenRequest
	if err := proto.Unmarshal(f.Payload, &r); err != nil {
		return violation(f, "%v", err)
	}
	_, address, _ := strings.Cut(r.Remote, "|")
	remote, err := netip.ParseAddrPort(address)
	l := k.listenerAt(int(r.Listener))
	if l == nil || l.protocolSlot != in.slot || err != nil {
		return violation(f, "listener %d, remote %q", r.Listener, r.Remote)
	}
	refuse := func(cause link.Cause) error {
		t.append(in, &link.Frame{Kind: link.Refuse, Stream: f.Stream, N: cause})
		return nil
	}
	if k.draining() {
		return refuse(link.CauseDraining)
	}
	if ok, _ := k.admission.Admit(l.index, sourceOf(remote)); !ok {
		l.stats.refused.Add(1)
		return refuse(link.CauseRefused)
	}
	c := k.newConn(t, l, -1, remote)
	if c == nil {
		return refuse(link.CauseRefused)
	}
	c.mu.Lock()
	if c.forgotten { // a drain has come between
		c.mu.Unlock()
		return refuse(link.CauseDraining)
	}
	c.opened = true
	c.lastEpoch++
	c.own(in, c.lastEpoch)
	t.append(in, &link.Frame{Kind: link.Open, Conn: c.id, Epoch: c.epoch, Stream: f.Stream, Payload: marshal(c.openInfo())})
	c.mu.Unlock()
	k.settle(t, c)
	return nil
}
