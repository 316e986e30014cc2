// Package hello is a handler that greets whoever a message names.
package hello

import (
	"fmt"

	"github.com/netcore-go/netcore/sdk"
)

// Handler numbers its greetings. The number is in the connection's context,
// which outlives this process: a successor counts on.
type Handler struct{}

// OnMessage answers each message with one greeting.
func (Handler) OnMessage(conn sdk.Connection, msg sdk.Message) {
	greeted, _ := conn.GetContext("greeted").(int64)
	conn.SetContext("greeted", greeted+1)
	// An error means that the client is gone; OnDisconnect comes for that.
	_ = conn.Send(fmt.Appendf(nil, "Hello %s, you are number %d.", msg.Data, greeted+1))
}

// OnConnect and OnDisconnect come once per client, whatever is swapped meanwhile.
func (Handler) OnConnect(sdk.Connection) {}

func (Handler) OnDisconnect(sdk.Connection, error) {}
