package sdktest

import (
	"errors"
	"slices"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/link"
)

// clients is how many connections a check has side by side.
const clients = 8

// id is the connection's ID as handlers see it.
func (c *Client) id() string { return link.FormatID(c.ID) }

// orderPerConnection: each client hears the answers to what it has said in that
// order, whatever others say at the same time.
func orderPerConnection(h *talk) {
	p := h.start()
	all := make([]*Client, clients)
	longest := 0
	for n := range all {
		all[n] = h.k.Bind(p)
		turns, _ := h.script(n)
		longest = max(longest, len(turns))
	}
	for i := range longest {
		for n, c := range all {
			if turns, _ := h.script(n); i < len(turns) {
				c.Deliver(turns[i].Say)
			}
		}
	}
	for n, c := range all {
		_, hears := h.script(n)
		h.hears(c, hears)
		c.Acked()
	}
}

// connectBeforeMessage: OnConnect comes once, before the first message, also if
// that has arrived already.
func connectBeforeMessage(h *talk) {
	p := h.start()
	turns, hears := h.script(0)
	var say []sdk.Message
	for _, t := range turns {
		say = append(say, t.Say)
	}
	c := h.k.bind(p, windowMessages, false, say)
	h.hears(c, hears)
	c.Acked()
	if calls := h.spy.of(c); h.local() && (calls[0] != "connect" || count(calls, "connect") != 1) {
		h.Errorf("calls = %v, want connect once, at first", calls)
	}
}

func count(calls []string, what string) (n int) {
	for _, c := range calls {
		if c == what {
			n++
		}
	}
	return n
}

// disconnectOnce: OnDisconnect comes once, last, with the cause.
func disconnectOnce(h *talk) {
	p := h.start()
	turns, hears := h.script(0)
	for _, cause := range []error{nil, sdk.ErrReset} {
		c := h.k.Bind(p)
		for _, t := range turns {
			c.Deliver(t.Say)
		}
		h.hears(c, hears)
		c.Unbind(cause)
		p.Send(*c.frame(link.Data), *c.frame(link.Unbind)) // too late
		h.converse(p, 1)
		h.k.mu.Lock()
		unbound := c.unbound
		h.k.mu.Unlock()
		if unbound != 1 {
			h.Errorf("UNBIND was answered %d times, want 1", unbound)
		}
		if !h.local() {
			continue
		}
		calls := h.spy.of(c)
		if count(calls, "disconnect") != 1 || calls[len(calls)-1] != "disconnect" {
			h.Errorf("calls = %v, want disconnect once, at last", calls)
		}
		if err := h.spy.ends[c.id()]; !errors.Is(err, cause) {
			h.Errorf("OnDisconnect was given %v, want %v", err, cause)
		}
	}
}

// converse has a new client say and hear all that it should, and go.
func (h *talk) converse(p *Instance, n int) {
	h.Helper()
	c := h.k.Bind(p)
	turns, hears := h.script(n)
	for _, t := range turns {
		c.Deliver(t.Say)
	}
	h.hears(c, hears)
	c.Acked()
	c.Unbind(nil)
}

// contextSurvivesMove: a client whose connection moves to another instance of
// the handler between any two turns hears what it would have heard without.
func contextSurvivesMove(h *talk) {
	from, to := h.start(), h.start()
	turns, hears := h.script(0)
	for cut := range len(turns) + 1 {
		c := h.k.Bind(from)
		for _, t := range turns[:cut] {
			c.Deliver(t.Say)
		}
		c.Move(to)
		for _, t := range turns[cut:] {
			c.Deliver(t.Say)
		}
		h.hears(c, hears)
		c.Acked()
		c.Unbind(nil)
		if calls := h.spy.of(c); h.local() && slices.Contains(calls, "connect") {
			h.Errorf("calls of the successor = %v, want no connect", calls)
		}
	}
}

// ackAfterReturn: each message is acknowledged once, after OnMessage.
func ackAfterReturn(h *talk) {
	p := h.start()
	c := h.k.Bind(p)
	turns, _ := h.script(0)
	for i, t := range turns {
		c.Deliver(t.Say)
		c.Acked()
		if n := c.Acks(); n != i+1 {
			h.Errorf("%d acknowledgements after %d messages", n, i+1)
		}
		h.spy.mu.Lock()
		returned := h.spy.returned
		h.spy.mu.Unlock()
		if h.local() && returned != i+1 {
			h.Errorf("message %d was acknowledged before OnMessage had returned", i)
		}
	}
}

// windowBlocksSend: a handler sends no more than the window lets pass (the
// kernel checks that), and what it has to send comes when the window opens.
func windowBlocksSend(h *talk) {
	p := h.start()
	c := h.k.bind(p, 1, true, nil)
	turns, hears := h.script(0)
	for _, t := range turns {
		c.Deliver(t.Say)
	}
	for n := 1; ; n++ {
		heard := c.Heard(n)
		h.k.mu.Lock()
		answers := len(h.answersLocked(c))
		h.k.mu.Unlock()
		if len(heard) > n {
			h.Fatalf("%d messages came, want %d", len(heard), n)
		}
		if answers == len(hears) {
			break
		}
		c.Open(1)
	}
	h.hears(c, hears)
	c.Open(1)
	c.Acked()
}

// crashResume: connections whose handler was killed between any two turns go on
// with a successor, which finds their context.
func crashResume(h *talk) {
	turns, hears := h.script(0)
	for cut := range len(turns) + 1 {
		from, to := h.start(), h.start()
		c := h.k.Bind(from)
		for _, t := range turns[:cut] {
			c.Deliver(t.Say)
		}
		c.Acked()
		h.heardUpTo(c, turns[:cut])
		from.Kill()
		c.Resume(to)
		for _, t := range turns[cut:] {
			c.Deliver(t.Say)
		}
		h.hears(c, hears)
		if h.local() {
			poll(h, func() bool { return len(h.spy.of(c)) > 0 }, "a call of the successor")
			if calls := h.spy.of(c); calls[0] != "resume" {
				h.Errorf("calls of the successor = %v, want resume first", calls)
			}
		}
		h.k.forget(c)
		to.Kill()
	}
}

// heardUpTo waits until a client has heard the answers to some turns.
func (h *talk) heardUpTo(c *Client, turns []Turn) {
	h.Helper()
	want := slices.Clone(h.o.Greeting)
	for _, t := range turns {
		want = append(want, t.Hear...)
	}
	h.hears(c, want)
}

// forget drops a client without telling anybody.
func (k *Kernel) forget(c *Client) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.clients, c.ID)
	for _, members := range k.rooms {
		delete(members, c.ID)
	}
}

// handlerIgnoresStale: what is for another epoch or an unknown connection
// changes nothing.
func handlerIgnoresStale(h *talk) {
	p := h.start()
	turns, hears := h.script(0)
	c := h.k.Bind(p)
	for _, t := range turns {
		for _, kind := range []link.Kind{link.Data, link.Written, link.Unbind} {
			p.Send(
				link.Frame{Kind: kind, Type: 1, Conn: c.ID, Epoch: 77, Payload: []byte("stale")},
				link.Frame{Kind: kind, Type: 1, Conn: c.ID + 1000, Epoch: 1, Payload: []byte("foreign")},
			)
		}
		c.Deliver(t.Say)
	}
	h.hears(c, hears)
	c.Unbind(nil)
}

func handlerStopsCleanly(h *talk) {
	p := h.start()
	turns, hears := h.script(0)
	c := h.k.Bind(p)
	for _, t := range turns {
		c.Deliver(t.Say)
	}
	h.hears(c, hears)
	if err := p.Stop(); err != nil {
		h.Errorf("Stop: %v", err)
	}
}

// sendAfterMove: the instance that a connection has left cannot reach it.
func sendAfterMove(h *talk) {
	from := h.start()
	old := h.spy
	to := h.start()
	c := h.k.Bind(from)
	turns, hears := h.script(0)
	c.Deliver(turns[0].Say)
	c.Move(to)
	conn := old.conn(c)
	if err := conn.Send([]byte("from the past")); !errors.Is(err, sdk.ErrMoved) {
		h.Errorf("Send after the move = %v, want %v", err, sdk.ErrMoved)
	}
	if conn.IsActive() {
		h.Error("IsActive after the move = true, want false")
	}
	if err := conn.Close(); !errors.Is(err, sdk.ErrMoved) {
		h.Errorf("Close after the move = %v, want %v", err, sdk.ErrMoved)
	}
	for _, t := range turns[1:] {
		c.Deliver(t.Say)
	}
	h.hears(c, hears)
}

// holdDelaysAck: a message that is held is acknowledged when it is released.
func holdDelaysAck(h *talk) {
	p := h.start()
	h.spy.hold = true
	c := h.k.Bind(p)
	turns, hears := h.script(0)
	for _, t := range turns {
		c.Deliver(t.Say)
	}
	h.hears(c, hears)
	poll(h, func() bool {
		h.spy.mu.Lock()
		defer h.spy.mu.Unlock()
		return h.spy.returned == len(turns)
	}, "return of OnMessage for each message")
	if n := c.Acks(); n != 0 {
		h.Errorf("%d acknowledgements of messages that are held, want none", n)
	}
	h.spy.mu.Lock()
	releases := h.spy.releases
	h.spy.mu.Unlock()
	for _, release := range releases {
		release()
		release() // once more does no harm
	}
	c.Acked()
	if n := c.Acks(); n != len(turns) {
		h.Errorf("%d acknowledgements of %d messages", n, len(turns))
	}
}

// panicEndsOne: a handler that panics loses that connection, and no other.
func panicEndsOne(h *talk) {
	p := h.start()
	turns, _ := h.script(0)
	c := h.k.Bind(p)
	h.spy.mu.Lock()
	h.spy.panics = true
	h.spy.mu.Unlock()
	c.Deliver(turns[0].Say)
	if err := c.Closed(); err == nil {
		h.Error("the cause of the end is nil, want an internal error")
	}
	h.converse(p, 1)
}

func handlerLeavesNothing(h *talk) {
	before := goroutines()
	k := NewKernel(h)
	inner := &talk{T: h.T, o: h.o, carrier: h.carrier, k: k}
	p := inner.start()
	inner.converse(p, 0)
	c := k.bind(p, 1, true, nil)
	turns, _ := h.script(1)
	for _, t := range turns {
		c.Deliver(t.Say)
	}
	c.Heard(1)
	k.Close()
	checkGoroutines(h, before)
}
