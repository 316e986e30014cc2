// Package testplugins has one plugin of each kind, for the tests of netcore and
// as small examples of each. They do what is hard: a handshake, answers of the
// protocol's own, state that must move, streams whose replies end, datagrams.
//
// The command netcore-test serves each of them as a process.
package testplugins

import "github.com/netcore-go/netcore/sdk"

// Names are the names of the plugins, as [New] knows them.
func Names() []string { return []string{"line", "ask", "gram", "talk"} }

// New returns the plugin of that name; not ok if there is none.
func New(name string) (p sdk.Plugin, ok bool) {
	p = sdk.Plugin{Name: name, Version: "1.0.0"}
	switch name {
	case "line":
		p.Stream = Line{}
	case "ask":
		p.Protocol = Ask{}
	case "gram":
		p.Packet = Gram{}
	case "talk":
		p.Handler = &Talk{}
	default:
		return p, false
	}
	return p, true
}
