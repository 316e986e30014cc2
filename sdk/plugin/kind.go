package plugin

import (
	"errors"
	"log/slog"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/internal/handlerhost"
	"github.com/netcore-go/netcore/sdk/internal/nethost"
	"github.com/netcore-go/netcore/sdk/internal/part"
	"github.com/netcore-go/netcore/sdk/internal/streamhost"
	"github.com/netcore-go/netcore/sdk/link"
	pb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// A builder makes the parts that serve links, one each.
type builder func([]part.Env) ([]part.Part, error)

// each is the builder of parts that know nothing of one another.
func each[P part.Part](log *slog.Logger, build func(part.Env) (P, error)) builder {
	return func(envs []part.Env) ([]part.Part, error) {
		var parts []part.Part
		for _, env := range envs {
			env.Log = log
			p, err := build(env)
			if err != nil {
				closeAll(parts)
				return nil, err
			}
			parts = append(parts, p)
		}
		return parts, nil
	}
}

func closeAll(parts []part.Part) {
	for _, p := range parts {
		p.Close()
	}
}

// manyPorts is how many links a part serves whose connections know nothing of
// one another.
const manyPorts = 64

// A kind is what differs between the kinds of plugins.
type kind interface {
	// manifest returns what the kind has to say in it.
	manifest() *pb.Manifest
	// ports is how many links it can serve side by side.
	ports() int
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
	build := each(log, func(env part.Env) (*streamhost.Host, error) {
		return streamhost.New(s.protocol, req.GetListeners(), env)
	})
	return build, nil, check(build)
}

func (stream) ports() int { return manyPorts }

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
	build := each(log, func(env part.Env) (*nethost.Host, error) {
		return nethost.New(n.protocol, n.packet, req.GetListeners(), env)
	})
	return build, nil, check(build)
}

// ports is one: the protocol's server loop runs once for each listener.
func (network) ports() int { return 1 }

// check builds a part that starts nothing, to see whether its options are right.
func check(build builder) error {
	parts, err := build([]part.Env{{}})
	closeAll(parts)
	return err
}

type handler struct{ handler sdk.MessageHandler }

func (h handler) manifest() *pb.Manifest {
	return &pb.Manifest{Kinds: []pb.Kind{pb.Kind_KIND_HANDLER}, Capabilities: handlerhost.Capabilities(h.handler)}
}

// configure starts the handler, so that what keeps it from starting is known
// before any connection is bound to it.
func (h handler) configure(req *pb.ConfigureRequest, log *slog.Logger) (builder, func(), error) {
	host, err := handlerhost.New(h.handler, req.GetConfig(), log)
	if err != nil {
		return nil, nil, err
	}
	build := func(envs []part.Env) ([]part.Part, error) {
		var links []*link.Link
		for _, env := range envs {
			links = append(links, env.Link)
		}
		return host.Attach(links...), nil
	}
	return build, host.Close, nil
}

func (handler) ports() int { return manyPorts }
