// Package kernel is the part of netcore that never changes while everything
// else does. It owns every socket from accept to close, the table of
// connections, their context and rooms, the plugins' lives, and it is the
// switch through which messages pass from plugin to plugin. It parses no
// protocol, and it runs user code only where a plugin is a part of the same
// process ([Plugin].Local).
//
// # Parts
//
//	                    ┌─────────────────────── Kernel ────────────────────────┐
//	client ── accept ──▶│ socket ─▶ admission ─▶ conn (in the conntrack.Table)  │
//	                    │                          │   │                        │
//	                    │              protocol's side   handler's side         │
//	                    │                tie, epoch        bond, bindEpoch      │
//	                    │                in, out (queue)   given, held, context │
//	                    │                          │   │                        │
//	                    │     slot "tcp" ◀─────────┘   └─────────▶ slot "chat"  │
//	                    │      instance 3               instance 7, hub (rooms) │
//	                    └──────────┼───────────────────────────────┼────────────┘
//	                      link, descriptor socket                link
//	                               │                               │
//	                         netcore-tcp                      netcore-chat
//
// A [Kernel] has listeners, slots and connections. A slot is one plugin name:
// the state machine of package slot (kernel/internal), and what carries out its
// actions. An instance is one incarnation of a plugin: a process (or a part of
// this one) and the kernel's end of its
// links, each with a reader: one for a process, one a core for a part of this
// process, among which connections are dealt out. A conn has two sides, which change
// hands independently of each other; conn.go draws the states of both.
//
// A message of a client arrives as a DATA frame in the link reader of its
// protocol instance. The reader looks the connection up, checks that frame,
// sender and epoch belong together, writes the other side's epoch into the
// header and appends the frame to the handler instance's link. There is no
// goroutine, no allocation and no look at the payload per message. The way back
// is the same but for the queue: what is for a client is kept until WRITTEN says
// that it reached the socket, so that a successor can be given again what a dead
// process did not write.
//
// By file: accept.go and listen.go bring connections in; fromprotocol.go,
// fromhandler.go and rooms.go are the switch; bind.go and handover.go tie a
// connection to a handler and to a protocol instance, each the only place where
// that happens; move.go and movehandler.go are a swap, crash.go a death, end.go
// and idle.go the end of a connection, drain.go that of the kernel; slots.go,
// start.go and host.go run plugins; operate.go and reload.go are what operators
// ask for, snapshot.go what they see.
//
// # Goroutines
//
// Each is waited for: by Run, if nothing else is said, at its end in tearDown.
//
//	Run's caller        boot, then waits; drains and stops everything itself
//	serve, per socket   accepts, admits, binds and opens; ends with the socket
//	tick                idle timeouts, deadlines of closes, slots that are not used any more
//	startInstance       per instance: its start, and then its life until died has
//	                    told the slot
//	link reader         per link, started by run: reader.receive, which acts on frames; ends with the link
//	link writer         per link, package link's: writes what a Flush may not wait for
//	move, retire        per swap; bounded by the drain timeout
//	takeOver, giveUp    once per change of a slot: hand waiting connections over, or end them
//	process             per process, of the launcher: reaper, readers of stdout and
//	                    stderr, watcher of the heartbeat; one thread forks them all
//	operations          Swap, Rollback, Reload, Drain … run in their callers' goroutines
//
// A reader's frame, turn, parts, room, except and members belong to its
// goroutine; no lock guards them.
//
// # Locks
//
// They are taken in this order, each only if those above it in its column are
// held or not needed:
//
//	Kernel.reloading           reader.fdMu
//	      │                         │
//	Kernel.mu                    conn.mu ─────┬──────────┬─────────┬──────────┐
//	      │                         │         │          │         │          │
//	   slot.mu                   move.mu   idle.mu   link's mu   hub's    admission's,
//	                                │                             mu      conntrack's mu
//	                            pauses.mu
//
// The left and the right column never meet: no conn.mu is taken under slot.mu,
// nor the other way round. What one side needs to know of the other is atomic
// (slot.serving, slot.given, instance.dead, instance.conns). Of two connections,
// two slots or two instances only one is locked at a time. The locks in the last
// row are leaves: their packages call nobody back while they hold them.
// conntrack.Table.All holds no lock while it calls its function.
//
// Nothing is flushed under a lock: over the memory carrier a flush runs the
// other end's receive function. Whoever acts on connections gathers the links
// that it wrote to in a turn, and flushes it at the end; a link reader does so
// when no more frames have arrived. Within a batch it keeps a connection locked
// from frame to frame (turn.lock), and lets go of it before it takes the lock of
// another one or of anything that is not below conn.mu. No plugin is called
// under a lock either, neither by control call nor by waiting for a socket: hand
// lets go of conn.mu, with the descriptor pinned, while it sends a descriptor,
// and holds only fdMu, which keeps descriptors and the frames that announce them
// in one order. Killing a process is no call, and may happen anywhere.
//
// # What must hold
//
//   - At most one instance may read or write a connection's socket. Ownership
//     moves when the owner has said PREPARED, or is known to be dead: the
//     process is reaped and its link was read to the end.
//   - Each binding has a new epoch. Frames of another epoch or of another
//     instance's connection are dropped and counted (stale), so that a late or
//     lying plugin acts on nobody else's connection.
//   - A link reader never waits: not for a window, not for a lock that is held
//     over anything slow. What does not fit is queued within bounds that windows
//     set.
//   - After dead is set on an instance nothing is tied or bound to it; who ties
//     or binds looks at dead under the connection's lock, and died visits all
//     connections after it has set it. So none is left with the dead.
//   - settle looks again at what serves after it has tied and bound: a
//     connection that arrives during a swap is found by the mover, or by settle.
//   - A number of a connection is never used again, nor an incarnation, nor the
//     index of a listener.
package kernel
