// Netcore-netstring is the netstring protocol as a plugin process; netcore
// starts it.
package main

import (
	netstring "github.com/netcore-go/netcore/examples/thirdparty"
	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/plugin"
)

// version is set by the build, with -ldflags "-X main.version=…".
var version = "dev"

func main() {
	plugin.Main(sdk.Plugin{Name: "netstring", Version: version, Stream: netstring.Protocol{}})
}
