package echo_test

import (
	"strings"
	"testing"

	"github.com/netcore-go/netcore/examples/echo"
	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/sdktest"
)

func TestConformance(t *testing.T) {
	long := strings.Repeat("long ", 20_000)
	sdktest.TestHandler(t, sdktest.HandlerOptions{
		New:     func() sdk.MessageHandler { return &echo.Handler{} },
		Command: []string{sdktest.Build(t, "./cmd/netcore-echo")},
		Talk: func(int) (turns []sdktest.Turn) {
			for _, s := range []string{"one", "", "three", long, "five"} {
				turns = append(turns, sdktest.Turn{Say: text(s), Hear: []string{s}})
			}
			return turns
		},
	})
}
