package kernel

import (
	"net/netip"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/netcore-go/netcore/sdk/link"
	pb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// bind gives c to a handler, with its context and what was held for one. flags
// say how it comes: new, link.Moved or link.Resumed. It does nothing if to has
// died. c.mu is held.
func (k *Kernel) bind(t *turn, c *conn, to *instance, flags link.Flags) {
	if to.dead.Load() {
		c.unbind()
		return
	}
	if c.handler != to {
		if c.handler != nil {
			c.handler.unhold()
		}
		to.hold()
	}
	c.handler, c.bond, c.moveTo = to, bondBound, nil
	c.bindEpoch++
	c.credit, c.uncredited = window{}, window{}
	c.out.Disown() // what a predecessor sent opens nothing of to's window
	lost := c.lost
	c.lost = 0
	payload, err := proto.Marshal(c.binding(lost))
	if err != nil { // a string that is no UTF-8 cannot be in it
		k.log.Error("encode binding", zapErr(err))
	}
	t.append(to, &link.Frame{Kind: link.Bind, Flags: flags, Conn: c.id, Epoch: c.bindEpoch, N: uint32(lost), Payload: payload})
	k.giveHeld(t, c)
	if c.ending() {
		k.progressEnd(t, c)
	}
}

func (c *conn) binding(lost int) *pb.Binding {
	b := &pb.Binding{
		Listener: c.l.Name, Protocol: c.l.Protocol,
		Local: c.l.network + "|" + c.local.String(), Remote: c.l.network + "|" + c.remote.String(),
		WindowMessages: windowMessages, WindowBytes: windowBytes, Lost: uint32(lost),
	}
	if len(c.context) > 0 {
		b.Context = make(map[string]*pb.Value, len(c.context))
		for key, encoded := range c.context {
			v := new(pb.Value)
			if proto.Unmarshal(encoded, v) == nil { // SetContext's own, or dropped
				b.Context[key] = v
			}
		}
	}
	return b
}

// giveHeld gives the handler what was held. c.mu is held.
func (k *Kernel) giveHeld(t *turn, c *conn) {
	var f link.Frame
	for rest := c.held; len(rest) > 0; {
		raw := rest
		next, err := link.Next(rest, &f)
		if err != nil {
			k.log.Error("held frames", zapErr(err)) // they were checked when they came
			break
		}
		raw = raw[:len(rest)-len(next)]
		rest = next
		link.SetEpoch(raw, c.bindEpoch)
		link.SetFlags(raw, f.Flags&link.More)
		t.raw(c.handler, raw)
		ends := f.Flags&link.More == 0
		c.given.add(b2i(ends), len(f.Payload))
		c.midway = !ends
	}
	c.held = nil
}

// unbind leaves c without a handler; messages are held. c.mu is held.
func (c *conn) unbind() {
	if c.handler != nil {
		c.handler.unhold()
	}
	c.handler, c.bond, c.moveTo = nil, bondNone, nil
}

// leaveWhenIdle lets a connection that is to move leave its handler once
// everything is acknowledged, and one that ends be told. c.mu is held.
func (k *Kernel) leaveWhenIdle(t *turn, c *conn) {
	if c.given.messages > 0 || c.midway || c.outMidway {
		return
	}
	switch {
	case c.ending():
		k.progressEnd(t, c)
	case c.bond == bondHolding:
		c.bond = bondLeaving
		t.append(c.handler, &link.Frame{Kind: link.Unbind, Flags: link.Moved, Conn: c.id, Epoch: c.bindEpoch})
	}
}

// unbound acts on the handler's answer to UNBIND: nothing more will come from
// it. c.mu is held.
func (k *Kernel) unbound(t *turn, c *conn) {
	switch c.bond {
	case bondEnded:
		c.unbind()
		c.bond = bondGone
		k.progressEnd(t, c)
	case bondLeaving:
		to := c.moveTo
		if to.dead.Load() {
			to = k.serving(c.l.handlerSlot)
		}
		c.handler.pauses.add(time.Duration(t.now - c.stoodSince))
		if to == nil {
			c.unbind()
			k.endHopeless(t, c)
			return
		}
		k.bind(t, c, to, link.Moved)
	}
}

// sourceOf is how per-source limits see an address.
func sourceOf(a netip.AddrPort) netip.Addr { return a.Addr().Unmap() }
