package config

import (
	"strconv"
	"unicode/utf8"
)

// shorten cuts a text that would make an error unreadable.
func shorten(s string) string {
	const longest = 80
	if len(s) <= longest {
		return s
	}
	cut := longest
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "..."
}

// quote is for texts of the file in errors: on one line, and no escape sequence
// reaches the terminal.
func quote(s string) string { return strconv.Quote(shorten(s)) }
