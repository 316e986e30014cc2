package handlerhost

import (
	"fmt"
	"runtime/debug"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/link"
)

// message has the handler handle m, and acknowledges it. size is what the
// kernel counts it as.
func (h *Host) message(c *conn, m sdk.Message, size uint64) {
	stream := m.Stream()
	var held bool
	if stream == 0 {
		held = h.plain(c, m, size)
	} else {
		r := &request{conn: c, stream: stream, size: size}
		h.onMessage(c, r, m)
		c.mu.Lock()
		held, r.over = r.held, true
		c.mu.Unlock()
	}
	if held {
		h.out.end(nil)
	} else {
		f := c.ack(stream, size)
		h.out.end(&f)
	}
}

func (h *Host) plain(c *conn, m sdk.Message, size uint64) (held bool) {
	c.mu.Lock()
	c.handling, c.held, c.size = true, false, size
	c.mu.Unlock()
	h.out.begin(c)
	h.onMessage(c, c, m)
	c.mu.Lock()
	c.handling = false
	held = c.held
	c.mu.Unlock()
	return held
}

func (h *Host) onMessage(c *conn, to sdk.Connection, m sdk.Message) {
	defer h.recovered(c, "OnMessage")
	h.handler.OnMessage(to, m)
}

// arrived tells the handler that c is there, in the way that flags say.
func (h *Host) arrived(c *conn, flags link.Flags, lost uint32) {
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

func (h *Host) onDisconnect(c *conn, cause link.Cause) {
	defer h.recovered(c, "OnDisconnect")
	h.handler.OnDisconnect(c, link.CauseError(cause))
}

// timer runs f unless the connection is over.
func (h *Host) timer(c *conn, f func(sdk.Connection)) {
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
func (h *Host) recovered(c *conn, method string) {
	v := recover()
	if v == nil {
		return
	}
	h.log.Error("handler panicked", "method", method, "connection", c.ID(), "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
	_ = c.close(link.CauseInternal) // ErrMoved: it is another's now
}
