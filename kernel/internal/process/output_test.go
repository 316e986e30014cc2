package process_test

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/netcore-go/netcore/kernel/internal/process"
)

func TestFlood(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	spec := specOf(t, "flood")
	spec.Logger = zap.New(core)
	p := start(t, spec)
	if err := configure(t, p); err != nil {
		t.Fatal(err)
	}
	p.Kill()
	await(t, "the end", p.Done())
	lines, dropped := 0, int64(0)
	for _, e := range logs.All() {
		if e.Message == "plugin output dropped" {
			dropped += e.ContextMap()["lines"].(int64)
		} else if strings.HasPrefix(e.Message, "yyy") {
			lines++
		}
	}
	// The server of go-plugin says a few lines at its start.
	if total := int64(lines) + dropped; total < 100_000 || total > 100_020 {
		t.Errorf("logged %d and dropped %d lines, want together 100000", lines, dropped)
	}
	if lines > 20_000 {
		t.Errorf("logged %d lines of the flood", lines)
	}
	if n := len(p.LastWords()); n != 4096 {
		t.Errorf("LastWords() has %d bytes, want 4096", n)
	}
}

func TestRedirectedOutputIsLogged(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	spec := specOf(t, "print")
	spec.Logger = zap.New(core)
	p := start(t, spec)
	if err := configure(t, p); err != nil {
		t.Fatal(err)
	}
	entry := awaitEntry(t, logs, "printed to stdout")
	if entry.Level != zap.InfoLevel || entry.ContextMap()["stream"] != "stdout" {
		t.Errorf("logged %+v, want stdout at info", entry)
	}
	entry = awaitEntry(t, logs, "structured")
	if entry.Level != zap.WarnLevel || entry.ContextMap()["stream"] != "stderr" {
		t.Errorf("logged %+v, want stderr at warn", entry)
	}
}

func TestGoPluginTalksAtDebug(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	spec := specOf(t, "normal")
	spec.Logger = zap.New(core)
	p := start(t, spec)
	p.Kill()
	await(t, "the end", p.Done())
	awaitEntry(t, logs, "go-plugin: plugin process exited")
	for _, e := range logs.All() {
		if strings.HasPrefix(e.Message, "go-plugin: ") && e.Level != zap.DebugLevel {
			t.Errorf("logged %q at %v, want debug", e.Message, e.Level)
		}
	}
}

func awaitEntry(t *testing.T, logs *observer.ObservedLogs, message string) observer.LoggedEntry {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); <-tick.C {
		if found := logs.FilterMessage(message).All(); len(found) > 0 {
			return found[0]
		}
	}
	t.Fatalf("%q was not logged", message)
	return observer.LoggedEntry{}
}

func TestLines(t *testing.T) {
	long := strings.Repeat("z", 9000)
	tests := []struct {
		name    string
		line    string
		level   zapcore.Level
		message string
		fields  map[string]any
	}{
		{name: "plain", line: "hello", level: zap.InfoLevel, message: "hello"},
		{name: "slog", line: `{"time":"2026-01-01T00:00:00Z","level":"ERROR+1","msg":"m","k":"v","b":true}`, level: zap.ErrorLevel, message: "m", fields: map[string]any{"k": "v", "b": true}},
		{name: "hclog", line: `{"@level":"trace","@message":"m","@timestamp":"x","@module":"plugin"}`, level: zap.DebugLevel, message: "m", fields: map[string]any{"@module": "plugin"}},
		{name: "zap", line: `{"level":"fatal","ts":1.5,"msg":"m"}`, level: zap.ErrorLevel, message: "m"},
		{name: "json without message", line: `{"a":1}`, level: zap.InfoLevel, message: `{"a":1}`},
		{name: "broken json", line: `{"msg":`, level: zap.InfoLevel, message: `{"msg":`},
		{name: "panic", line: "panic: x", level: zap.ErrorLevel, message: "panic: x"},
		{name: "too long", line: long, level: zap.InfoLevel, message: long[:8192], fields: map[string]any{"cut": true}},
		{name: "carriage return", line: "a\r", level: zap.InfoLevel, message: "a"},
		{name: "no text", line: "a\xff", level: zap.InfoLevel, message: "a?"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			core, logs := observer.New(zap.DebugLevel)
			process.LogStderr(zap.New(core), tt.line+"\n")
			if logs.Len() != 1 {
				t.Fatalf("logged %v, want one entry", logs.All())
			}
			e := logs.All()[0]
			if e.Level != tt.level || e.Message != tt.message {
				t.Errorf("logged %v %.80q, want %v %.80q", e.Level, e.Message, tt.level, tt.message)
			}
			got := e.ContextMap()
			if len(got) != len(tt.fields)+1 { // and the stream
				t.Errorf("fields = %v, want %v", got, tt.fields)
			}
			for k, v := range tt.fields {
				if got[k] != v {
					t.Errorf("field %s = %v, want %v", k, got[k], v)
				}
			}
		})
	}
}

func TestTraceIsLoggedAsError(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	words := process.LogStderr(zap.New(core), "before\nfatal error: x\n\tmain.go:1\n{\"msg\":\"alive\"}\nafter\n")
	want := []zapcore.Level{zap.InfoLevel, zap.ErrorLevel, zap.ErrorLevel, zap.InfoLevel, zap.InfoLevel}
	for i, e := range logs.All() {
		if e.Level != want[i] {
			t.Errorf("%q at %v, want %v", e.Message, e.Level, want[i])
		}
	}
	if !strings.HasPrefix(words, "fatal error: x\n") {
		t.Errorf("last words = %q, want the trace first", words)
	}
}

func FuzzLines(f *testing.F) {
	f.Add("hello\n{\"msg\":\"m\",\"level\":\"WARN\"}\npanic: x\n")
	f.Add("{\"msg\":1}\n{}\n{\"@message\":\"\",\"a\":[{}]}")
	f.Fuzz(func(t *testing.T, s string) {
		core, _ := observer.New(zap.DebugLevel)
		if words := process.LogStderr(zap.New(core), s); len(words) > 3*4096 {
			t.Errorf("last words of %d bytes", len(words))
		}
	})
}
