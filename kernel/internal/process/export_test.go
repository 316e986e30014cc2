package process

import "go.uber.org/zap"

// LogStderr logs text as a process's stderr and returns the last words.
func LogStderr(log *zap.Logger, text string) string {
	o := newOutput(log)
	w := &lineWriter{each: o.stderr}
	_, _ = w.Write([]byte(text))
	w.flush()
	o.logDropped()
	return o.lastWords()
}
