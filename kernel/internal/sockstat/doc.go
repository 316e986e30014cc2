// Package sockstat asks Linux what has passed through a TCP socket.
//
// The answer survives kill -9 of the process that read and wrote it, as long as
// somebody holds a copy of the descriptor: it is how the kernel knows after a
// crash whether a connection stands between two messages.
//
//	Consumed = tcpi_bytes_received - SIOCINQ  - 1 once the peer's FIN is in
//	Written  = tcpi_bytes_acked    + SIOCOUTQ - 1 once the own FIN is queued
//	                                          - 1 on the side that dialed
//
// All three corrections are there because the left terms count sequence
// numbers, which SYN and FIN use up as well. What was measured (Linux 6.18,
// loopback; the tests of this package hold it):
//
//   - an accepted socket begins at 0 and 0; a dialed one at bytes_acked = 1,
//     for its SYN, which is why [ReadDialed] exists;
//   - the peer's FIN adds one to bytes_received when it arrives, while SIOCINQ
//     leaves it out, whether or not the reader has seen the end of the stream;
//   - the own FIN adds one to SIOCOUTQ when it is queued (which is at
//     shutdown, behind all data), and to bytes_acked when it is acknowledged:
//     the sum moves once, so that the state tells whether to subtract;
//   - bytes that wait in a full send queue are in SIOCOUTQ, sent or not;
//   - in the state CLOSE it can no longer be told which FINs were counted.
//     [Counters.Final] says so, and both counts may be one too high then.
//
// tcpi_bytes_sent - tcpi_bytes_retrans + tcpi_notsent_bytes would need no
// correction for SYN, but counts a segment twice that the host itself dropped
// on its way out (a full queue discipline, a firewall), so it is not used.
// Urgent data is not supported: SIOCINQ stops in front of it.
//
// No call changes the descriptor's flags or takes its pending error.
package sockstat
