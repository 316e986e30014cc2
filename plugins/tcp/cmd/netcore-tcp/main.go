// Netcore-tcp is the tcp protocol as a plugin process; netcore starts it.
package main

import (
	"github.com/netcore-go/netcore/plugins/tcp"
	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/plugin"
)

// version is set by the build, with -ldflags "-X main.version=…".
var version = "dev"

func main() {
	plugin.Main(sdk.Plugin{Name: "tcp", Version: version, Stream: tcp.New()})
}
