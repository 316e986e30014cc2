package tcp_test

import (
	"bytes"
	"testing"

	"github.com/netcore-go/netcore/plugins/tcp"
	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/sdktest"
)

func messages(data ...string) (all []sdk.Message) {
	for _, d := range data {
		all = append(all, sdk.Message{Type: sdk.MessageTypeBinary, Data: []byte(d)})
	}
	return all
}

func TestConformance(t *testing.T) {
	o := sdktest.Options{
		New:     func() sdk.Plugin { return sdk.Plugin{Name: "tcp", Version: "test", Stream: tcp.New()} },
		Command: []string{sdktest.Build(t, "./cmd/netcore-tcp")},
	}
	t.Run("length32", func(t *testing.T) {
		o := o
		o.Listener = []byte(`{"framing": "length32", "max_message": "1MiB"}`)
		o.Messages = messages("hello", "", "a\x00\n", "the last one")
		o.Encode = func(m sdk.Message) []byte { return []byte(frame(string(m.Data))) }
		o.Malformed = [][]byte{{0, 0x10, 0, 1}, {0xff, 0xff, 0xff, 0xff}}
		o.Overlong = []byte("\xff\xff\xff\xffbegin")
		sdktest.TestStreamProtocol(t, o)
	})
	t.Run("line", func(t *testing.T) {
		o := o
		o.Listener = []byte(`{"framing": "line", "max_message": 1024}`)
		for _, m := range messages("hello", "", "GET / HTTP/1.0", "the last one") {
			m.Type = sdk.MessageTypeText
			o.Messages = append(o.Messages, m)
		}
		o.Encode = func(m sdk.Message) []byte { return append(bytes.Clone(m.Data), "\r\n"...) }
		o.Reply = func(m sdk.Message) []byte { return append(bytes.Clone(m.Data), '\n') }
		o.Malformed = [][]byte{bytes.Repeat([]byte("x"), 2000)}
		sdktest.TestStreamProtocol(t, o)
	})
	t.Run("raw", func(t *testing.T) {
		o := o
		o.Listener = []byte(`{"framing": "raw", "max_message": 16}`)
		o.Messages = messages("hello", "a\x00\n", "longer than a message may be")
		o.Encode = func(m sdk.Message) []byte { return m.Data }
		o.Unframed = true
		sdktest.TestStreamProtocol(t, o)
	})
}
