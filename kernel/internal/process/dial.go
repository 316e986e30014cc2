package process

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Bounds on what one call can make the kernel hold. The windows are static:
// gRPC's own measuring of them costs a sixth of the throughput on a local socket.
const (
	maxCall   = 4 << 20
	maxHeader = 64 << 10
	window    = 4 << 20
)

func dialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxCall), grpc.MaxCallSendMsgSize(maxCall)),
		grpc.WithMaxHeaderListSize(maxHeader),
		grpc.WithInitialWindowSize(window),
		grpc.WithInitialConnWindowSize(window),
		grpc.WithIdleTimeout(0),
		grpc.WithDisableRetry(),
		grpc.WithDisableServiceConfig(),
		grpc.WithChainStreamInterceptor(tameStreams),
	}
}

// tameStreams stands before go-plugin's own two streams. The broker is not
// used: its stream is not opened. If the stdio stream cannot be opened,
// go-plugin carries on only after an error that says "unavailable"; after any
// other it forgets its connection and a goroutine for ever.
func tameStreams(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, next grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	switch method {
	case "/plugin.GRPCBroker/StartStream":
		return nil, status.Error(codes.Unimplemented, "no broker")
	case "/plugin.GRPCStdio/StreamStdio":
		s, err := next(ctx, desc, cc, method, opts...)
		if err != nil {
			return nil, unavailable(err)
		}
		return stdioStream{s}, nil
	}
	return next(ctx, desc, cc, method, opts...)
}

type stdioStream struct{ grpc.ClientStream }

// SendMsg sends the request, a part of opening the stream.
func (s stdioStream) SendMsg(m any) error { return unavailable(s.ClientStream.SendMsg(m)) }

func unavailable(err error) error {
	if err == nil {
		return nil
	}
	return status.Error(codes.Unavailable, err.Error())
}
