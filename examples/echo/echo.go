// Package echo is a handler that sends each message back, with its type and
// headers. It takes no memory per message, unless a client does not read.
package echo

import (
	"context"
	"errors"
	"time"

	"github.com/netcore-go/netcore/sdk"
)

// retryAfter is how long a message waits that did not fit the client's window.
const retryAfter = 2 * time.Millisecond

// A Handler echoes. The zero value is ready; it must not be copied after use.
type Handler struct {
	host    sdk.Host
	waiting backlogs
}

var (
	_ sdk.MessageHandler = (*Handler)(nil)
	_ sdk.Inline         = (*Handler)(nil)
	_ sdk.Starter        = (*Handler)(nil)
)

// Inline says that messages are handled where they arrive: sending back does
// not block.
func (*Handler) Inline() bool { return true }

// Start keeps the host, whose timers the handler uses.
func (h *Handler) Start(_ context.Context, host sdk.Host) error {
	h.host = host
	return nil
}

// OnConnect has nothing to do.
func (*Handler) OnConnect(sdk.Connection) {}

// OnMessage sends msg back. If the client does not read, msg is held: what is
// held shuts the window in the other direction, so that the client cannot send
// either until it reads.
func (h *Handler) OnMessage(conn sdk.Connection, msg sdk.Message) {
	if !h.waiting.has(conn) && !errors.Is(conn.SendMessage(msg), sdk.ErrWindow) {
		return // sent, or the client is gone and OnDisconnect comes
	}
	if h.host == nil {
		_ = conn.Close() // without timers, better no echo than one with holes
		return
	}
	if h.waiting.add(conn, msg) {
		h.host.AfterFunc(conn, retryAfter, h.retry)
	}
}

// OnDisconnect lets go of what was not sent.
func (h *Handler) OnDisconnect(conn sdk.Connection, _ error) {
	h.waiting.drop(conn)
}

// retry sends what waits for conn, until that is all or the window is shut again.
func (h *Handler) retry(conn sdk.Connection) {
	for {
		msg, ok := h.waiting.first(conn)
		if !ok {
			return
		}
		if errors.Is(conn.SendMessage(msg), sdk.ErrWindow) {
			h.host.AfterFunc(conn, retryAfter, h.retry)
			return
		}
		h.waiting.done(conn)
	}
}
