package server

import (
	"strings"
	"sync"
)

// maxLog bounds the log that is kept, in bytes: the latest.
const maxLog = 1 << 20

// A log keeps what a process writes.
type log struct {
	mu   sync.Mutex // guards the field below
	text []byte
}

func newLog() *log { return new(log) }

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	if extra := len(l.text) - maxLog; extra > maxLog {
		l.text = append(l.text[:0], l.text[extra:]...)
	}
	return len(p), nil
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.TrimSpace(string(l.text))
}
