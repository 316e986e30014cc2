package nethost

// A window bounds what is with the kernel.
type window struct {
	messages, outMessages uint32
	bytes, outBytes       uint64
}

// open reports whether a message may be started.
func (w *window) open() bool { return w.outMessages < w.messages && w.outBytes < w.bytes }

func (w *window) take(bytes int) {
	w.outMessages++
	w.outBytes += uint64(bytes)
}

// give opens w. It reports whether that much was outstanding.
func (w *window) give(messages uint32, bytes uint64) bool {
	if messages > w.outMessages || bytes > w.outBytes {
		return false
	}
	w.outMessages -= messages
	w.outBytes -= bytes
	return true
}
