package process

import (
	"bytes"
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// The rate of lines that a process may log: a burst, and so many a second.
const (
	lineBurst = 1000
	lineRate  = 200
)

// An output takes the lines that a process says, remembers the last words and
// logs what the rate allows. Its methods may be called from any goroutine.
type output struct {
	log *zap.Logger

	mu      sync.Mutex // guards the fields below
	words   lastWords
	trace   bool // the runtime is printing a panic
	tokens  float64
	filled  time.Time
	dropped int
	report  *time.Timer // logs dropped; nil while that is 0
}

func newOutput(log *zap.Logger) *output {
	return &output{log: log, tokens: lineBurst, filled: time.Now()}
}

// stderr takes a line that the process wrote to its stderr.
func (o *output) stderr(line []byte, cut bool) {
	e := plainLine(line)
	structured := false
	if line[0] == '{' && !cut {
		e, structured = structuredLine(line)
	}
	o.mu.Lock()
	// Who goes on logging has not died: the panic was recovered and printed.
	o.trace = !structured && (o.trace || startsTrace(string(line[:min(len(line), 16)])))
	o.words.add(line, o.trace)
	if o.trace {
		e.level = zapcore.ErrorLevel
	}
	pass := o.passLocked()
	o.mu.Unlock()
	if pass {
		o.write(e, "stderr", cut)
	}
}

// stdout takes a line that the process wrote to its stdout.
func (o *output) stdout(line []byte, cut bool) {
	o.mu.Lock()
	pass := o.passLocked()
	o.mu.Unlock()
	if pass {
		o.write(plainLine(line), "stdout", cut)
	}
}

func (o *output) write(e entry, stream string, cut bool) {
	ce := o.log.Check(e.level, e.message)
	if ce == nil {
		return
	}
	fields := append(e.fields, zap.String("stream", stream))
	if cut {
		fields = append(fields, zap.Bool("cut", true))
	}
	ce.Write(fields...)
}

// passLocked takes a token, or counts a line as dropped.
func (o *output) passLocked() bool {
	now := time.Now()
	o.tokens = min(lineBurst, o.tokens+now.Sub(o.filled).Seconds()*lineRate)
	o.filled = now
	if o.tokens >= 1 {
		o.tokens--
		return true
	}
	if o.dropped++; o.report == nil {
		o.report = time.AfterFunc(time.Second, o.logDropped)
	}
	return false
}

// logDropped logs how many lines were dropped since it last did.
func (o *output) logDropped() {
	o.mu.Lock()
	n := o.dropped
	o.dropped = 0
	if o.report != nil {
		o.report.Stop()
		o.report = nil
	}
	o.mu.Unlock()
	if n > 0 {
		o.log.Warn("plugin output dropped", zap.Int("lines", n))
	}
}

func (o *output) lastWords() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.words.String()
}

func plainLine(line []byte) entry {
	return entry{level: zapcore.InfoLevel, message: string(bytes.ToValidUTF8(line, []byte("?")))}
}
