package plugin

import (
	"errors"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/internal/handlerhost"
	"github.com/netcore-go/netcore/sdk/internal/nethost"
	"github.com/netcore-go/netcore/sdk/internal/streamhost"
	pb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// fieldError returns what is wrong with a configuration, nil if err is about
// something else.
func fieldError(err error) *pb.FieldError {
	var f pb.FieldError
	var (
		s *streamhost.ListenerError
		n *nethost.ListenerError
		h *handlerhost.ConfigError
	)
	switch {
	case errors.As(err, &s):
		f.Listener, err = s.Listener, s.Err
	case errors.As(err, &n):
		f.Listener, err = n.Listener, n.Err
	case errors.As(err, &h):
		err = h.Err
	default:
		return nil
	}
	f.Message = err.Error()
	var o *sdk.OptionError
	if errors.As(err, &o) {
		f.Field, f.Message = o.Field, o.Err.Error()
	}
	return &f
}
