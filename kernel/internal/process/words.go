package process

import (
	"fmt"
	"strings"
)

// maxWords bounds what is kept of stderr as a reason for death.
const maxWords = 4096

// lastWords keeps the end of what was said; of a panic the beginning, which
// says what happened, while its end is a list of goroutines.
type lastWords struct {
	buf   []byte
	trace bool
}

func (w *lastWords) add(line []byte, trace bool) {
	if trace && !w.trace {
		w.buf = w.buf[:0]
	}
	w.trace = trace
	if trace && len(w.buf) >= maxWords {
		return
	}
	w.buf = append(append(w.buf, line...), '\n')
	if n := len(w.buf) - maxWords; n > 0 {
		if trace {
			w.buf = w.buf[:maxWords]
		} else {
			w.buf = append(w.buf[:0], w.buf[n:]...)
		}
	}
}

func (w *lastWords) String() string { return strings.ToValidUTF8(string(w.buf), "?") }

// summary is the part of last words that fits in a sentence: of a panic the
// first line, else the last three.
func summary(words string) string {
	lines := strings.Split(strings.TrimSpace(words), "\n")
	if startsTrace(lines[0]) {
		lines = lines[:1]
	} else {
		lines = lines[max(0, len(lines)-3):]
	}
	s := strings.Join(lines, " | ")
	if len(s) > 400 {
		s = strings.ToValidUTF8(s[:400], "") + "…"
	}
	return s
}

// withWords adds to err what the process said, if it said anything.
func withWords(err error, words string) error {
	if s := summary(words); s != "" {
		return fmt.Errorf("%w; its last words: %s", err, s)
	}
	return err
}

// startsTrace reports whether a line begins the Go runtime's account of a death.
func startsTrace(line string) bool {
	return strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ")
}
