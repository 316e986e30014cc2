package process

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// An entry is a line of output as it is logged.
type entry struct {
	level   zapcore.Level
	message string
	fields  []zap.Field
}

// structuredLine reads a JSON line as slog, hclog and zap write them: level,
// message and attributes. The line's own time is left out. If it is no such
// line it is an entry as it stands, and not ok.
func structuredLine(line []byte) (e entry, ok bool) {
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.UseNumber()
	var m map[string]any
	if dec.Decode(&m) != nil || dec.More() {
		return plainLine(line), false
	}
	message, ok := take(m, "msg", "@message", "message")
	if !ok {
		return plainLine(line), false
	}
	level, _ := take(m, "level", "@level")
	_, _ = take(m, "time", "@timestamp", "ts")
	e = entry{level: levelOf(level), message: message}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		e.fields = append(e.fields, zap.Any(k, m[k]))
	}
	return e, true
}

// take removes the first of the keys that is there and returns its value if
// that is a string.
func take(m map[string]any, keys ...string) (string, bool) {
	for _, k := range keys {
		if v, ok := m[k]; ok {
			delete(m, k)
			s, ok := v.(string)
			return s, ok
		}
	}
	return "", false
}

// levelOf never returns a level at which zap ends the process.
func levelOf(s string) zapcore.Level {
	switch strings.ToLower(s) {
	case "trace":
		return zapcore.DebugLevel
	case "fatal", "panic", "dpanic":
		return zapcore.ErrorLevel
	}
	var l slog.Level
	if l.UnmarshalText([]byte(s)) != nil {
		return zapcore.InfoLevel
	}
	switch {
	case l < slog.LevelInfo:
		return zapcore.DebugLevel
	case l < slog.LevelWarn:
		return zapcore.InfoLevel
	case l < slog.LevelError:
		return zapcore.WarnLevel
	}
	return zapcore.ErrorLevel
}
