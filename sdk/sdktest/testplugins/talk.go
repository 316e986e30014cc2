package testplugins

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/netcore-go/netcore/sdk"
)

// Talk is a handler that does what each message says:
//
//	name X       keeps X in the connection's context; "hello X"
//	who          "you are X"
//	count        counts in the context; the number
//	burst N      N messages, 0 to N-1
//	later        "later" from a timer
//	hold         acknowledged only after release
//	release      releases what is held
//	join R       joins a room; leave R leaves it; say R TEXT broadcasts to it
//	bye          closes the connection
//
// Everything else it sends back.
type Talk struct {
	host sdk.Host

	mu   sync.Mutex // guards the field below
	held map[string][]func()
}

var (
	_ sdk.MessageHandler = (*Talk)(nil)
	_ sdk.Starter        = (*Talk)(nil)
)

// Start keeps the host.
func (h *Talk) Start(_ context.Context, host sdk.Host) error {
	h.host, h.held = host, make(map[string][]func())
	return nil
}

// OnConnect greets.
func (h *Talk) OnConnect(c sdk.Connection) { tell(c, "welcome") }

// OnDisconnect lets go of what is held.
func (h *Talk) OnDisconnect(c sdk.Connection, _ error) { h.release(c) }

// OnMessage does what the message says.
func (h *Talk) OnMessage(c sdk.Connection, m sdk.Message) {
	verb, arg, _ := strings.Cut(string(m.Data), " ")
	switch verb {
	case "name":
		c.SetContext("name", arg)
		tell(c, "hello "+arg)
	case "who":
		tell(c, fmt.Sprintf("you are %v", c.GetContext("name")))
	case "count":
		n, _ := c.GetContext("count").(int64)
		c.SetContext("count", n+1)
		tell(c, strconv.FormatInt(n+1, 10))
	case "burst":
		n, _ := strconv.Atoi(arg)
		for i := range n {
			tell(c, strconv.Itoa(i))
		}
	case "later":
		h.host.AfterFunc(c, time.Millisecond, func(c sdk.Connection) { tell(c, "later") })
	case "hold":
		h.hold(c)
		tell(c, "held")
	case "release":
		h.release(c)
		tell(c, "released")
	case "join", "leave", "say":
		h.room(c, verb, arg)
	case "bye":
		_ = c.Close() // it can only be closed already
	default:
		_ = c.SendMessage(m) // the client is gone; OnDisconnect comes
	}
}

func (h *Talk) room(c sdk.Connection, verb, arg string) {
	room, text, _ := strings.Cut(arg, " ")
	var err error
	switch verb {
	case "join":
		err = h.host.Join(c, room)
	case "leave":
		err = h.host.Leave(c, room)
	case "say":
		err = h.host.Broadcast(room, sdk.Message{Type: sdk.MessageTypeText, Data: []byte(text)}, c)
	}
	tell(c, fmt.Sprintf("%s %s: %v", verb, room, err))
}

func (h *Talk) hold(c sdk.Connection) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.held[c.ID()] = append(h.held[c.ID()], sdk.Hold(c))
}

func (h *Talk) release(c sdk.Connection) {
	h.mu.Lock()
	held := h.held[c.ID()]
	delete(h.held, c.ID())
	h.mu.Unlock()
	for _, release := range held {
		release()
	}
}

// tell sends text; a client that is gone is told to OnDisconnect.
func tell(c sdk.Connection, text string) {
	_ = c.SendMessage(sdk.Message{Type: sdk.MessageTypeText, Data: []byte(text)})
}
