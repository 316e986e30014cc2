package netstring_test

import (
	"bytes"
	"testing"

	netstring "github.com/netcore-go/netcore/examples/thirdparty"
	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/sdktest"
)

// TestConformance is what every protocol must pass, in this process and as a
// process of its own.
func TestConformance(t *testing.T) {
	sdktest.TestStreamProtocol(t, sdktest.Options{
		New: func() sdk.Plugin {
			return sdk.Plugin{Name: "netstring", Version: "1.0.0", Stream: netstring.Protocol{}}
		},
		Command: []string{sdktest.Build(t, "./cmd/netcore-netstring")},
		Messages: []sdk.Message{
			{Type: sdk.MessageTypeBinary, Data: []byte("hello")},
			{Type: sdk.MessageTypeBinary, Data: []byte("5:,\n")},
			{Type: sdk.MessageTypeBinary, Data: bytes.Repeat([]byte("x"), 100)},
			{Type: sdk.MessageTypeBinary},
		},
		Encode: func(m sdk.Message) []byte {
			wire, err := netstring.Protocol{}.Encode(nil, m)
			if err != nil {
				t.Errorf("Encode: %v", err)
			}
			return wire
		},
		Malformed: [][]byte{[]byte("hello there"), []byte("01:a,"), []byte("1:ab")},
		Overlong:  []byte("9999999:"),
	})
}
