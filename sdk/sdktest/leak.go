package sdktest

import (
	"runtime"
	"strings"
)

// goroutines returns the numbers of all goroutines.
func goroutines() map[string]bool {
	all := make(map[string]bool)
	for _, g := range stacks() {
		all[number(g)] = true
	}
	return all
}

// newGoroutines returns the stacks of those that are not in before.
func newGoroutines(before map[string]bool) (left []string) {
	for _, g := range stacks() {
		if !before[number(g)] {
			left = append(left, g)
		}
	}
	return left
}

func stacks() []string {
	buf := make([]byte, 1<<20)
	return strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n")
}

// number is the N of a stack that begins with "goroutine N [".
func number(stack string) string {
	_, rest, _ := strings.Cut(stack, " ")
	n, _, _ := strings.Cut(rest, " ")
	return n
}
