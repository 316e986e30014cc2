package plugin

import (
	"errors"
	"log/slog"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/internal/handlerhost"
	"github.com/netcore-go/netcore/sdk/internal/nethost"
	"github.com/netcore-go/netcore/sdk/internal/part"
	"github.com/netcore-go/netcore/sdk/internal/streamhost"
	pb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// A builder makes the part that serves a link.
type builder func(part.Env) (part.Part, error)

// A kind is what differs between the kinds of plugins.
type kind interface {
	// manifest returns what the kind has to say in it.
	manifest() *pb.Manifest
	// configure checks req and returns how to build the part; discard lets go
	// of what it has started if the part is not built, and may be nil.
	configure(req *pb.ConfigureRequest, log *slog.Logger) (b builder, discard func(), err error)
}

func kindOf(p sdk.Plugin) (kind, error) {
	var kinds []kind
	if p.Stream != nil {
		kinds = append(kinds, stream{p.Stream})
	}
	if p.Protocol != nil {
		kinds = append(kinds, network{protocol: p.Protocol})
	}
	if p.Packet != nil {
		kinds = append(kinds, network{packet: p.Packet})
	}
	if p.Handler != nil {
		kinds = append(kinds, handler{p.Handler})
	}
	switch len(kinds) {
	case 1:
		return kinds[0], nil
	case 0:
		return nil, errors.New("no part is set: one of Stream, Protocol, Packet and Handler must be")
	}
	return nil, errors.New("several parts are set: only one of Stream, Protocol, Packet and Handler can be")
}

// protocolManifest is the manifest of a protocol.
func protocolManifest(k pb.Kind, i sdk.Info) *pb.Manifest {
	if i.Network == "" {
		i.Network = "tcp"
	}
	return &pb.Manifest{Kinds: []pb.Kind{k}, Network: i.Network, Streams: i.Streams, Schema: i.Schema}
}

type stream struct{ protocol sdk.StreamProtocol }

func (s stream) manifest() *pb.Manifest {
	return protocolManifest(pb.Kind_KIND_STREAM_PROTOCOL, s.protocol.Info())
}

func (s stream) configure(req *pb.ConfigureRequest, log *slog.Logger) (builder, func(), error) {
	build := func(env part.Env) (part.Part, error) {
		env.Log = log
		return streamhost.New(s.protocol, req.GetListeners(), env)
	}
	return build, nil, check(build)
}

type network struct {
	protocol sdk.Protocol
	packet   sdk.PacketProtocol
}

func (n network) manifest() *pb.Manifest {
	if n.protocol != nil {
		return protocolManifest(pb.Kind_KIND_PROTOCOL, n.protocol.Info())
	}
	m := protocolManifest(pb.Kind_KIND_PACKET_PROTOCOL, n.packet.Info())
	if n.packet.Info().Network == "" {
		m.Network = "udp"
	}
	return m
}

func (n network) configure(req *pb.ConfigureRequest, log *slog.Logger) (builder, func(), error) {
	build := func(env part.Env) (part.Part, error) {
		env.Log = log
		return nethost.New(n.protocol, n.packet, req.GetListeners(), env)
	}
	return build, nil, check(build)
}

// check builds a part that starts nothing, to see whether its options are right.
func check(build builder) error {
	p, err := build(part.Env{})
	if err != nil {
		return err
	}
	p.Close()
	return nil
}

type handler struct{ handler sdk.MessageHandler }

func (h handler) manifest() *pb.Manifest {
	return &pb.Manifest{Kinds: []pb.Kind{pb.Kind_KIND_HANDLER}, Capabilities: handlerhost.Capabilities(h.handler)}
}

// configure starts the handler, so that what keeps it from starting is known
// before any connection is bound to it.
func (h handler) configure(req *pb.ConfigureRequest, log *slog.Logger) (builder, func(), error) {
	host, err := handlerhost.New(h.handler, req.GetConfig(), part.Env{Log: log})
	if err != nil {
		return nil, nil, err
	}
	build := func(env part.Env) (part.Part, error) {
		host.Attach(env.Link)
		return host, nil
	}
	return build, host.Close, nil
}
