// Netcore-test is one of the test plugins as a plugin process: the one that its
// argument, or the variable NETCORE_TEST_PLUGIN, names.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/netcore-go/netcore/sdk/plugin"
	"github.com/netcore-go/netcore/sdk/sdktest/testplugins"
)

func main() {
	name := os.Getenv("NETCORE_TEST_PLUGIN")
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	p, ok := testplugins.New(name)
	if !ok {
		fmt.Fprintf(os.Stderr, "netcore-test: no test plugin %q; there are %s\n", name, strings.Join(testplugins.Names(), ", "))
		os.Exit(1)
	}
	plugin.Main(p)
}
