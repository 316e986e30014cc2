// Package tcp is the protocol plugin for messages over plain TCP: length-prefixed
// frames, lines, or the bytes as they come. README.md has its options.
//
// Each framing is one [sdk.Codec]. A codec does no I/O, takes no memory per
// message and, lines aside, has no state, so that one value serves all
// connections of a listener.
package tcp
