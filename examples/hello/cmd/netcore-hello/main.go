// Netcore-hello is the hello handler as a plugin process; netcore starts it.
package main

import (
	"github.com/netcore-go/netcore/examples/hello"
	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/plugin"
)

// version is set by the build, with -ldflags "-X main.version=…".
var version = "dev"

func main() {
	plugin.Main(sdk.Plugin{Name: "hello", Version: version, Handler: hello.Handler{}})
}
