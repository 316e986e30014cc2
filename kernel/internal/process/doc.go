// Package process starts one plugin executable, watches it and ends it. It
// speaks the control half of the contract to it and knows nothing of frames.
//
//	Launcher.Start ─▶ open, hash ─▶ fork on the launcher's thread ─▶ handshake (go-plugin) ─▶ Process
//	                                        │
//	   reaper goroutine: pidfd ─▶ kill group, reap ─▶ last words ─▶ Done ─▶ go-plugin torn down, directory removed
//
// go-plugin does the handshake and the gRPC connection. What it does not do
// well is done here, through a runner of our own: the binary that is hashed is
// the one that is executed, the environment is an allow-list, stdin is
// /dev/null, a grandchild that holds stderr does not hide a death, output is
// rate limited, and every wait has an end.
package process
