// Package fdpass passes descriptors from the kernel to a protocol plugin.
//
//	kernel                                   plugin
//	Send(fd) ─▶ [byte + SCM_RIGHTS] ─▶ unix stream socket ─▶ Receive() = fd
//	then queues OPEN or OFFER        ─▶ link               ─▶ reads the frame, calls Receive
//
// Each descriptor travels with one byte of its own. A stream socket never
// merges the bytes of two messages that carry descriptors into one read, and a
// read of one byte takes one byte's descriptor and no other, so that the n-th
// byte is the n-th descriptor. The kernel completes Send before it queues the
// frame that announces the descriptor: the receiver therefore never waits, and
// a missing byte is a violation of the contract.
//
// The descriptors that are sent are raw numbers. They are neither registered
// with Go's poller nor is any flag of theirs changed: O_NONBLOCK belongs to the
// open file description, which kernel and plugins share, and os.File.Fd would
// turn it off for all of them. Only the channel's own socket, on the sending
// side, is in the poller, since nobody shares its description.
package fdpass
