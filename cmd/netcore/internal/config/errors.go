package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// An Error is one thing that is wrong with a configuration.
type Error struct {
	// Source is the file's name, or the --set flag with its value.
	Source string `json:"source"`
	// Line and Column count from 1. Both are 0 where Source is a flag or a
	// file that cannot be read.
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
	// Key is the path of the key, as in listeners[0].limits.queue; it is empty
	// where the file is no YAML.
	Key     string `json:"key,omitempty"`
	Message string `json:"message"`
}

// Error is file:line:column: key: message, without the parts that are not known.
func (e Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Source)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Column)
	}
	if e.Key != "" {
		b.WriteString(": " + e.Key)
	}
	b.WriteString(": " + e.Message)
	return b.String()
}

// Errors is all that is wrong with a configuration, in the order of the file.
type Errors []Error

// Error is one line for each error.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// sorted orders the errors as a reader goes through the file, flags last.
func (e Errors) sorted() Errors {
	slices.SortStableFunc(e, func(a, b Error) int {
		return cmp.Or(
			cmp.Compare(btoi(a.Line == 0), btoi(b.Line == 0)),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
		)
	})
	return e
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
