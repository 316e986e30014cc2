package process

import "bytes"

// maxLine is the longest line of output that is logged whole.
const maxLine = 8192

// A lineWriter cuts what is written to it into lines and gives each to each,
// which must not keep it. Of a line over maxLine the beginning is given, with
// cut set. Empty lines are left out.
type lineWriter struct {
	each func(line []byte, cut bool)
	buf  []byte
	cut  bool
}

// Write never returns an error.
func (w *lineWriter) Write(p []byte) (int, error) {
	n := len(p)
	for {
		part, rest, ended := bytes.Cut(p, []byte{'\n'})
		w.add(part)
		if !ended {
			return n, nil
		}
		w.flush()
		p = rest
	}
}

func (w *lineWriter) add(part []byte) {
	if room := maxLine - len(w.buf); len(part) > room {
		part, w.cut = part[:room], true
	}
	w.buf = append(w.buf, part...)
}

// flush ends the line.
func (w *lineWriter) flush() {
	if line := bytes.TrimSuffix(w.buf, []byte{'\r'}); len(line) > 0 {
		w.each(line, w.cut)
	}
	w.buf, w.cut = w.buf[:0], false
}
