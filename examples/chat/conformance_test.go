package chat_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/netcore-go/netcore/examples/chat"
	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/sdktest"
)

func TestConformance(t *testing.T) {
	say := func(s string) sdk.Message { return sdk.Message{Type: sdk.MessageTypeText, Data: []byte(s)} }
	sdktest.TestHandler(t, sdktest.HandlerOptions{
		New:      func() sdk.MessageHandler { return &chat.Handler{} },
		Command:  []string{sdktest.Build(t, "./cmd/netcore-chat")},
		Greeting: []string{"* Welcome to chat dev.\n* What is your name?"},
		Talk: func(n int) []sdktest.Turn {
			name, room := fmt.Sprintf("ann%d", n), fmt.Sprintf("room%d", n)
			return []sdktest.Turn{
				{Say: say(name), Hear: []string{"* Hello " + name + ", you are in lobby; /help shows the commands."}},
				{Say: say("/nick bob" + name), Hear: []string{"* You are now bob" + name + "."}},
				{Say: say("/join " + room), Hear: []string{"* You are in " + room + "."}},
				{Say: say("/join " + room), Hear: []string{"* You are in " + room + " already."}},
				{Say: say("/version"), Hear: []string{"* chat dev"}},
			}
		},
		// What other clients do in the lobby.
		Ignore: func(data string) bool {
			return strings.HasSuffix(data, " joined.") || strings.HasSuffix(data, " left.") || strings.Contains(data, " is now ")
		},
	})
}
