// Package load makes load on echo servers and checks every reply.
//
//	Run ─▶ dial (bounded) ─▶ one goroutine a connection ─▶ Result
//	 │                         Receive, check, Send, Flush when nothing is buffered
//	 └── warm-up, duration, progress, connections that stand still
//
// Without a rate limit each connection is a closed loop: the goroutine that
// receives a reply sends the next request, so that Depth requests are always
// outstanding. With a rate limit, or where the outstanding bytes might not fit
// the sockets, a second goroutine of the connection sends.
//
// Latency runs from the moment a request could have been sent: with a rate
// limit that is when it was due, so that a server that stands still is charged
// for all requests that waited meanwhile, but the generator's own late timers
// are not charged to the server.
//
// A protocol is added by implementing [Protocol] and [Client].
package load
