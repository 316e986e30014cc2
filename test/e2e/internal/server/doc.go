// Package server runs netcore as operators do: the real binary with a
// configuration file, in a process of its own. It watches the process, its
// plugins, and what they leave behind.
package server
