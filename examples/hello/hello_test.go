package hello_test

import (
	"slices"
	"testing"

	"github.com/netcore-go/netcore/examples/hello"
	"github.com/netcore-go/netcore/sdk"
)

var _ sdk.MessageHandler = hello.Handler{}

// A client is a connection whose context outlasts handlers, as in the kernel.
type client struct {
	sdk.Connection
	context map[any]any
	got     []string
	err     error // what Send returns
}

func (c *client) SetContext(key, value any) { c.context[key] = value }
func (c *client) GetContext(key any) any    { return c.context[key] }

func (c *client) Send(data []byte) error {
	c.got = append(c.got, string(data))
	return c.err
}

func TestGreets(t *testing.T) {
	tests := []struct {
		name string
		err  error
		say  []string
		want []string
	}{
		{"one", nil, []string{"Ann"}, []string{"Hello Ann, you are number 1."}},
		{"counts", nil, []string{"Ann", "Bob"}, []string{"Hello Ann, you are number 1.", "Hello Bob, you are number 2."}},
		{"nobody", nil, []string{""}, []string{"Hello , you are number 1."}},
		{"client gone", sdk.ErrClosed, []string{"Ann"}, []string{"Hello Ann, you are number 1."}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &client{context: make(map[any]any), err: tt.err}
			hello.Handler{}.OnConnect(c)
			for _, name := range tt.say {
				hello.Handler{}.OnMessage(c, sdk.Message{Data: []byte(name)})
			}
			hello.Handler{}.OnDisconnect(c, tt.err)
			if !slices.Equal(c.got, tt.want) {
				t.Errorf("the client got %q, want %q", c.got, tt.want)
			}
		})
	}
}

// TestSwap: a successor is a new value, and finds the count in the context.
func TestSwap(t *testing.T) {
	c := &client{context: make(map[any]any)}
	predecessor, successor := new(hello.Handler), new(hello.Handler)
	predecessor.OnMessage(c, sdk.Message{Data: []byte("Ann")})
	successor.OnMessage(c, sdk.Message{Data: []byte("Ann")})
	if want := "Hello Ann, you are number 2."; c.got[1] != want {
		t.Errorf("after the swap the client got %q, want %q", c.got[1], want)
	}
}
