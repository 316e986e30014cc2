package sdktest_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/sdktest"
	"github.com/netcore-go/netcore/sdk/sdktest/testplugins"
)

func TestGramConforms(t *testing.T) {
	sdktest.TestPacketProtocol(t, sdktest.Options{
		New: newPlugin("gram"), Command: []string{os.Args[0]}, Env: []string{envPlugin + "=gram"},
		Messages: []sdk.Message{
			{Type: sdk.MessageTypeBinary, Data: []byte("one")},
			{Type: sdk.MessageTypeBinary, Data: []byte("two")},
		},
		Encode:    func(m sdk.Message) []byte { return m.Data },
		Malformed: [][]byte{{}, {0}, []byte("1 is no letter")},
	})
}

func TestTalkConforms(t *testing.T) {
	sdktest.TestHandler(t, sdktest.HandlerOptions{
		New:     func() sdk.MessageHandler { return &testplugins.Talk{} },
		Command: []string{os.Args[0]}, Env: []string{envPlugin + "=talk"},
		Greeting: []string{"welcome"},
		Talk: func(n int) []sdktest.Turn {
			name := fmt.Sprintf("client %d", n)
			return []sdktest.Turn{
				{Say: text("name " + name), Hear: []string{"hello " + name}},
				{Say: text("count"), Hear: []string{"1"}},
				{Say: text("who"), Hear: []string{"you are " + name}},
				{Say: text("burst 5"), Hear: []string{"0", "1", "2", "3", "4"}},
				{Say: text("join lobby"), Hear: []string{"join lobby: <nil>"}},
				{Say: text("count"), Hear: []string{"2"}},
				{Say: text("what?"), Hear: []string{"what?"}},
			}
		},
	})
}

// TestRooms shows that broadcasts reach the members, also after a move.
func TestRooms(t *testing.T) {
	k := sdktest.NewKernel(t)
	spec := sdktest.Spec{Plugin: newPlugin("talk")()}
	from := k.Start(spec)
	spec.Plugin = newPlugin("talk")()
	to := k.Start(spec)
	a, b := k.Bind(from), k.Bind(from)
	for _, c := range []*sdktest.Client{a, b} {
		c.Deliver(text("join lobby"))
		c.Heard(2)
	}
	b.Move(to)
	if n := k.Members("lobby"); n != 2 {
		t.Errorf("Members() = %d, want 2", n)
	}
	a.Deliver(text("say lobby hi there"))
	if got := b.Heard(3)[2]; string(got.Data) != "hi there" {
		t.Errorf("b heard %q, want %q", got.Data, "hi there")
	}
	b.Deliver(text("hold"))
	b.Heard(4)
	if n := b.Acks(); n != 0 && n != 1 {
		t.Errorf("Acks() = %d, want only the join's", n)
	}
	b.Deliver(text("release"))
	b.Acked()
	b.Deliver(text("name bob"))
	b.Heard(6)
	b.Acked()
	if got := b.Context()["name"]; got != "bob" {
		t.Errorf("Context()[name] = %v, want bob", got)
	}
	b.Deliver(text("bye"))
	if err := b.Closed(); err != nil {
		t.Errorf("Closed() = %v, want nil", err)
	}
	if n := k.Members("lobby"); n != 1 {
		t.Errorf("Members() = %d, want 1", n)
	}
}
