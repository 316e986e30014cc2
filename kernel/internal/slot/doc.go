// Package slot is the state machine of one plugin slot: which instances of the
// plugin run, which of them serves, and what a swap, a rollback, a crash or a
// stop does next.
//
// [Next] is a pure function. It has no clock (events carry the time) and does
// nothing itself: the kernel feeds it events, one at a time, and carries out the
// actions that come back, in their order.
//
//	idle ──Boot──▶ starting ──Started──▶ serving ◀───────────────────────────┐
//	                  │                   │    │                             │
//	           failed │    ┌─────Died─────┘    │ Swap, Rollback              │ Old has ended, or
//	                  ▼    ▼                   ▼                             │ the successor failed
//	  Timer ┌─▶ restarting ◀──both died── swapping (starting ▶ moving ▶ retiring)
//	        └──── │  │  └───Started──▶ serving ▲
//	              │  │      or swapping        │
//	              │  │      (retiring)         │ Swap
//	              │  └─too many deaths─▶ quarantined ──Reset──▶ starting
//	              └─too many deaths, and a binary to go back to─▶ restarting
//
//	swapping, step by step:
//
//	starting ──Started──▶ moving ──MoveDone, DrainLimit──▶ retiring ──Old has ended──▶ serving
//	                        └──────Serving died (Next has it all)─────────────────────▶ serving
//
//	StopRequested leads from every state to stopped, which nothing leaves.
//
// An instance is named by its incarnation: 1, 2, 3 …, never used twice. At most
// two are live at any time, so that there are three places of which at most two
// are taken:
//
//	Serving  has the connections and, unless a successor takes over, gets new ones
//	Next     is being started, or has been and takes over (swapping: moving)
//	Old      has been told to end and drains; it does not come back
//
// # What is promised
//
// One operation (boot, swap, rollback, reset, stop) runs at a time; others are
// answered [ErrBusy] with the reason. Each gets exactly one [Reply], but for
// those of number 0, which nobody waits for.
//
// A swap's Reply comes when the connections have moved. Its old instance may
// drain a while longer, and until it has ended no other swap begins.
//
// A successor that fails before it serves is killed, and the old instance has
// noticed nothing. One that dies while connections move gives them back. If it
// is the old instance that dies, its successor adopts the rest, or waits for the
// rest until it has started; if both die, the last good binary is started again.
//
// Death while serving: restart at once, then after 100 ms, doubling to 30 s, half
// of it random. More than 5 deaths in 60 s: back to the binary before the last
// completed swap, once, and if there is none, quarantine. 5 minutes without a
// death forgive. A start that fails is a death; the end of an Old is none, nor is
// anything that befalls a successor.
package slot
