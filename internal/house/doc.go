// Package house holds the rules of this repository that a test can check:
// which package may import which, what each package says about itself, and what
// no Go file may contain. It has no code of its own.
package house
