// Package pluginpb is the contract between the netcore kernel and its plugins,
// version 1: the control calls and rare payloads of plugin.proto as generated
// code, and what both sides say before the first call. FRAMES.md describes what
// passes per message; package sdk/link speaks it.
package pluginpb

import (
	"context"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
)

// What kernel and plugin say to each other before the first call, in go-plugin's
// terms. A plugin in any language must know these.
const (
	// ProtocolVersion is the version of this contract as a whole: the
	// directory's v1. Kernel and plugin must have the same.
	ProtocolVersion = 1
	// MagicCookieKey is the environment variable by which a plugin knows that
	// a kernel started it and not a person; MagicCookieValue is its value. It
	// is no secret.
	MagicCookieKey   = "NETCORE_PLUGIN"
	MagicCookieValue = "f3a1c0de-netcore-plugin-v1"
	// PluginName is the name of the one entry in go-plugin's plugin set.
	PluginName = "netcore"
)

// Handshake is go-plugin's handshake between kernel and plugin.
func Handshake() plugin.HandshakeConfig {
	return plugin.HandshakeConfig{
		ProtocolVersion:  ProtocolVersion,
		MagicCookieKey:   MagicCookieKey,
		MagicCookieValue: MagicCookieValue,
	}
}

// GRPCPlugin is the entry of go-plugin's plugin set on both sides. A plugin
// process sets Impl; the kernel leaves it nil and is dispensed a [PluginClient].
type GRPCPlugin struct {
	plugin.NetRPCUnsupportedPlugin
	Impl PluginServer
}

var _ plugin.GRPCPlugin = (*GRPCPlugin)(nil)

// GRPCServer registers Impl; go-plugin calls it once in a plugin process.
func (p *GRPCPlugin) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	RegisterPluginServer(s, p.Impl)
	return nil
}

// GRPCClient returns the [PluginClient] of conn; go-plugin calls it in the kernel.
func (p *GRPCPlugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return NewPluginClient(conn), nil
}
