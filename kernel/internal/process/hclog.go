package process

import (
	"fmt"
	"io"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/zap"
)

// newHCLog returns a logger for go-plugin that says everything to log at debug
// level: what matters of it, our errors say.
func newHCLog(log *zap.Logger) hclog.Logger {
	l := hclog.NewInterceptLogger(&hclog.LoggerOptions{Level: hclog.Off, Output: io.Discard})
	l.RegisterSink(zapSink{log})
	return l
}

type zapSink struct{ log *zap.Logger }

var _ hclog.SinkAdapter = zapSink{}

// Accept logs one entry; args are keys and values in turn.
func (s zapSink) Accept(_ string, level hclog.Level, msg string, args ...any) {
	if level < hclog.Debug {
		return
	}
	ce := s.log.Check(zap.DebugLevel, "go-plugin: "+msg)
	if ce == nil {
		return
	}
	var fields []zap.Field
	for ; len(args) >= 2; args = args[2:] {
		fields = append(fields, zap.Any(fmt.Sprint(args[0]), args[1]))
	}
	ce.Write(fields...)
}
