package chat

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxName = 32   // runes
	maxLine = 4096 // bytes
)

// clean makes one line of data: no client can write what looks like a line of
// another, nor control another's terminal.
func clean(data []byte) string {
	line := strings.ToValidUTF8(string(data), string(utf8.RuneError))
	return strings.TrimSpace(strings.Map(blank, line))
}

// blank is r, or a space for what ends or controls a line.
func blank(r rune) rune {
	if unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control) {
		return ' '
	}
	return r
}

// checkName judges the name of a client or a room. It leaves out what would make
// lines ambiguous: notices begin with a star, what is said follows a colon.
func checkName(name string) error {
	n := utf8.RuneCountInString(name)
	switch {
	case n < 1 || n > maxName:
		return errors.New("want 1 to 32 characters")
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return errors.New("want printable characters")
	case strings.ContainsAny(name, ":*/"):
		return errors.New("want none of : * /")
	}
	return nil
}
