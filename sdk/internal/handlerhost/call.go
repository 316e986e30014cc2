package handlerhost

import (
	"fmt"
	"runtime/debug"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/link"
)

// message has the handler handle m, and acknowledges it. size is what the
// kernel counts it as.
func (h *shard) message(c *conn, m sdk.Message, size uint64) {
	stream := m.Stream()
	if stream == 0 && h.inline {
		h.out.begin(c, size)
		h.onMessage(c, c, m)
		h.out.end(c)
		return
	}
	var held bool
	if stream == 0 {
		held = h.plain(c, m, size)
	} else {
		held = h.request(c, m, size)
	}
	if !held {
		f := c.ack(stream, size)
		h.out.append(&f)
	}
}

// plain handles a message of no stream for a queued handler.
func (h *shard) plain(c *conn, m sdk.Message, size uint64) (held bool) {
	c.mu.Lock()
	c.handling, c.held, c.size = true, false, size
	c.mu.Unlock()
	h.onMessage(c, c, m)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.handling = false
	return c.held
}

// request handles a message of a stream.
func (h *shard) request(c *conn, m sdk.Message, size uint64) (held bool) {
	r := &request{conn: c, stream: m.Stream(), size: size}
	h.onMessage(c, r, m)
	c.mu.Lock()
	defer c.mu.Unlock()
	r.over = true
	return r.held
}

func (h *shard) onMessage(c *conn, to sdk.Connection, m sdk.Message) {
	defer h.recovered(c, "OnMessage")
	h.handler.OnMessage(to, m)
}

// arrived tells the handler that c is there, in the way that flags say.
func (h *shard) arrived(c *conn, flags link.Flags, lost uint32) {
	switch {
	case flags&link.Resumed != 0 && h.resumer != nil:
		defer h.recovered(c, "OnResume")
		h.resumer.OnResume(c, int(lost))
	case flags&(link.Moved|link.Resumed) == 0:
		defer h.recovered(c, "OnConnect")
		h.handler.OnConnect(c)
	case h.mover != nil:
		defer h.recovered(c, "OnMoved")
		h.mover.OnMoved(c)
	}
}

func (h *shard) onDisconnect(c *conn, cause link.Cause) {
	defer h.recovered(c, "OnDisconnect")
	h.handler.OnDisconnect(c, link.CauseError(cause))
}

// timer runs f unless the connection is over.
func (h *shard) timer(c *conn, f func(sdk.Connection)) {
	c.mu.Lock()
	over := c.state == ended || c.state == moved
	c.mu.Unlock()
	if over {
		return
	}
	defer h.recovered(c, "AfterFunc")
	f(c)
}

// recovered is deferred around user code: a panic costs its connection, not the
// process and all others.
func (h *shard) recovered(c *conn, method string) {
	v := recover()
	if v == nil {
		return
	}
	h.log.Error("handler panicked", "method", method, "connection", c.ID(), "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
	_ = c.close(link.CauseInternal) // ErrMoved: it is another's now
}
