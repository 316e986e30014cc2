package sdktest_test

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/plugin"
	"github.com/netcore-go/netcore/sdk/sdktest"
	"github.com/netcore-go/netcore/sdk/sdktest/testplugins"
)

// envPlugin has the test's own executable be a plugin process.
const envPlugin = "NETCORE_TEST_PLUGIN"

func TestMain(m *testing.M) {
	if p, ok := testplugins.New(os.Getenv(envPlugin)); ok {
		plugin.Main(p)
	}
	goleak.VerifyTestMain(m)
}

func newPlugin(name string) func() sdk.Plugin {
	return func() sdk.Plugin {
		p, _ := testplugins.New(name)
		return p
	}
}

func text(s string) sdk.Message { return sdk.Message{Type: sdk.MessageTypeText, Data: []byte(s)} }

func TestLineConforms(t *testing.T) {
	blob := sdk.Message{Type: sdk.MessageTypeBinary, Data: []byte("\x00\n\xff")}
	encode := func(m sdk.Message) []byte {
		if m.Type == sdk.MessageTypeBinary {
			return fmt.Appendf(nil, "BLOB %d\n%s", len(m.Data), m.Data)
		}
		return append(bytes.Clone(m.Data), '\n')
	}
	sdktest.TestStreamProtocol(t, sdktest.Options{
		New: newPlugin("line"), Command: []string{os.Args[0]}, Env: []string{envPlugin + "=line"},
		Messages: []sdk.Message{text("one"), text(""), blob, text("last one")},
		Encode:   encode,
		Reply: func(m sdk.Message) []byte {
			if m.Type == sdk.MessageTypeBinary {
				return encode(m)
			}
			return fmt.Appendf(nil, "bob: %s\n", m.Data)
		},
		Hello: []byte("HELLO bob\n"), Welcome: []byte("WELCOME bob\n"),
		Ping: []byte("PING\n"), Pong: []byte("PONG\n"),
		Malformed: [][]byte{[]byte("HELLO again\n"), []byte("BLOB x\n"), bytes.Repeat([]byte("x"), 2000)},
		Overlong:  []byte("BLOB 4294967295\n"),
	})
}

func TestAskConforms(t *testing.T) {
	sdktest.TestProtocol(t, sdktest.Options{
		New: newPlugin("ask"), Command: []string{os.Args[0]}, Env: []string{envPlugin + "=ask"},
		Messages:  []sdk.Message{text("one").WithStream(1), text("two").WithStream(2), text("").WithStream(7)},
		Encode:    func(m sdk.Message) []byte { return fmt.Appendf(nil, "%d %s\n", m.Stream(), m.Data) },
		Reply:     func(m sdk.Message) []byte { return fmt.Appendf(nil, "%d %s\n%d .\n", m.Stream(), m.Data, m.Stream()) },
		Malformed: [][]byte{[]byte("0 zero\n"), []byte("nothing\n")},
		Overlong:  bytes.Repeat([]byte("1"), 2000),
	})
}
