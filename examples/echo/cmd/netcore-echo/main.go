// Netcore-echo is the echo handler as a plugin process; netcore starts it.
package main

import (
	"github.com/netcore-go/netcore/examples/echo"
	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/plugin"
)

// version is set by the build, with -ldflags "-X main.version=…".
var version = "dev"

func main() {
	plugin.Main(sdk.Plugin{Name: "echo", Version: version, Handler: &echo.Handler{}})
}
