// Package streamhost runs the connections of an [sdk.StreamProtocol]: it reads
// and writes the descriptors that the kernel hands over, drives the codecs, and
// exchanges messages with the kernel over a link.
//
//	socket ──▶ loop ──▶ Codec.Decode ──▶ DATA ──▶ link
//	socket ◀── link's reader ◀── Codec.Encode ◀── DATA ◀── link
//
// # Who runs what
//
// A loop is a goroutine with an epoll set of its own. It reads what is
// readable, decodes it where it was read, finishes writes that a full socket
// cut short, and flushes the link once per epoll batch. The link's reader calls
// Handle and EndBatch; it encodes, writes each connection once per batch, and
// goes on decoding where a window has opened. The sweeper looks at deadlines.
// Whichever acts on a connection holds its lock, so that a codec's methods never
// run concurrently.
//
// # Locks
//
// A connection's lock comes first; under it at most one of the locks of the
// Host, a loop, the budget or the link is taken. No lock is held when the link
// is flushed: over the memory carrier a flush runs the kernel, which may flush
// its side, which calls Handle of this very Host in the same goroutine.
//
// # A connection's phases
//
//	OPEN ──────────────────────▶ serving ──CLOSE──▶ closing ──written──▶ lingering ──▶ gone
//	                              ▲    │            (Goodbye)  (SHUT_WR)   (EOF or 1 s)
//	OFFER ──▶ adopted ──COMMIT────┤    │PREPARE
//	             │                │    ▼
//	             │           RESUME── prepared
//	             └───RELEASE──▶ gone ◀──RELEASE──┘
//
// CLOSE with ABORT leads from any phase to gone. While it is serving, a
// connection may have ended its input (CLOSE with cause 0 was sent, output goes
// on) or have failed (CLOSE with a cause was sent, or waits for the codec's last
// bytes to be written); both wait for the kernel's CLOSE.
package streamhost
