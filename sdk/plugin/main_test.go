package plugin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/plugin"
)

// envPlugin has the test binary be a plugin process of that kind.
const envPlugin = "NETCORE_TEST_PLUGIN"

func TestMain(m *testing.M) {
	switch os.Getenv(envPlugin) {
	case "handler":
		plugin.Main(sdk.Plugin{Name: "echo", Version: "1.2.3", Handler: &echo{}})
	case "stream":
		plugin.Main(sdk.Plugin{Name: "lines", Version: "1", Stream: lines{}})
	case "nothing":
		plugin.Main(sdk.Plugin{Name: "nothing"})
	}
	goleak.VerifyTestMain(m)
}

// echo sends back what comes; its config says how to misbehave.
type echo struct {
	Fail string `json:"fail"`
	ctx  context.Context
}

func (e *echo) Configure(config []byte) error {
	if len(config) > 0 {
		if err := json.Unmarshal(config, e); err != nil {
			return err
		}
	}
	switch e.Fail {
	case "option":
		return &sdk.OptionError{Field: "limits.max", Err: errors.New("is negative")}
	case "config":
		return errors.New("no such thing")
	case "panic":
		panic("in configure")
	}
	return nil
}

func (e *echo) Start(ctx context.Context, host sdk.Host) error {
	e.ctx = ctx
	fmt.Println("printed by start")
	if e.Fail == "start" {
		return errors.New("no database")
	}
	return nil
}

func (e *echo) OnConnect(sdk.Connection) {}

func (e *echo) OnMessage(c sdk.Connection, m sdk.Message) { _ = c.SendMessage(m) }

func (e *echo) OnDisconnect(sdk.Connection, error) {}

// lines is a protocol of which nothing but the options is used.
type lines struct{}

func (lines) Info() sdk.Info { return sdk.Info{Name: "lines", Schema: "{}"} }

func (lines) Open(*sdk.Stream) (sdk.Codec, error) { return nil, errors.New("not today") }

func (l lines) WithOptions(options []byte) (sdk.StreamProtocol, error) {
	if string(options) == `{"bad":1}` {
		return nil, &sdk.OptionError{Field: "bad", Err: errors.New("is unknown")}
	}
	return l, nil
}
