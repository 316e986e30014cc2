package kernel

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/netcore-go/netcore/kernel/internal/queue"
	"github.com/netcore-go/netcore/kernel/internal/wheel"
	"github.com/netcore-go/netcore/sdk/link"
)

// The windows of a connection, each way. A sender may have this much
// outstanding, and the message that passes it.
const (
	windowMessages = 256
	windowBytes    = 256 << 10
)

// maxMessage bounds one message of a client, in bytes: nothing else bounds what
// a protocol plugin may add to a message that it has started.
const maxMessage = 64 << 20

// A tie says how a connection is tied to its protocol plugin:
//
//	        OPEN                PREPARE            PREPARED, OFFER
//	tieNone ─────▶ tieServing ──────────▶ tieLeaving ─────────────▶ tieOffered
//	  ▲ │ OFFER      ▲ ▲ ▲  ◀── REFUSED ──────┘                       │ │
//	  │ └──────────┐ │ │ └──────────── RESUME (READY refused) ────────┘ │
//	  │            ▼ │ └──────────────────── COMMIT (READY) ────────────┘
//	  └─ crash   tieOffered
//
// With tieNone nobody has the connection: its plugin has died, or has not
// started. What arrives for the client waits in its queue.
type tie uint8

const (
	tieNone tie = iota
	tieServing
	tieLeaving
	tieOffered
)

// A bond says how a connection is bound to its handler:
//
//	         BIND            move              all acknowledged: UNBIND
//	bondNone ────▶ bondBound ────▶ bondHolding ────────────────────▶ bondLeaving
//	   ▲              ▲ │ crash                                          │
//	   └──────────────┼─┘                        UNBIND answered: BIND   │
//	                  └──────────────────────────────────────────────────┘
//
// In all states but bondBound the client's messages wait in held. bondEnded
// means that the handler was told of the connection's end; bondGone, that it
// has answered.
type bond uint8

const (
	bondNone bond = iota
	bondBound
	bondHolding
	bondLeaving
	bondEnded
	bondGone
)

// A conn is one connection, from accept to the last descriptor's close.
type conn struct {
	id       uint64
	l        *listener
	remote   netip.AddrPort
	local    netip.AddrPort
	accepted time.Time
	// requested: no accept made it; it has no descriptor, and cannot move.
	requested bool

	active  atomic.Int64       // Unix nanoseconds of the last message either way
	closeBy atomic.Int64       // Unix nanoseconds by which a close must be over; 0 if there is none
	entry   wheel.Entry[*conn] // owned by the kernel's wheel

	mu   sync.Mutex // guards the fields below
	fd   int        // the kernel's copy of the descriptor; -1 if there is none
	pins int        // uses of fd outside mu; it is not closed before they end

	// The protocol's side.
	tie          tie
	owner        *instance // who has the descriptor and may use it, or nil
	epoch        uint32    // of the owner's binding
	lastEpoch    uint32    // the last one given to anyone
	offerTo      *instance // with tieOffered: the successor that was sent OFFER
	offerEpoch   uint32
	move         *move  // the move that it takes part in, or nil
	opened       bool   // an owner has done something with it
	end, written uint64 // offsets of the last DATA or STATE, and WRITTEN or STATE
	rest         []byte // read by a predecessor and not used, behind end
	state        []byte // codec state
	in           window // with the kernel or the handler
	acked        window // done, and not yet told to the owner
	offered      window // what of acked the last OFFER knew of
	noted        window // done, and told to the owner in its place among the messages in out
	inMidway     bool   // a message of the client is arriving in parts
	stoodSince   int64  // Unix nanoseconds of the PREPARE or hold that it is under

	// The handler's side.
	bond      bond
	handler   *instance
	bindEpoch uint32
	given     window    // given to the handler and not acknowledged
	midway    bool      // the first parts of a message were given, more will follow
	skip      bool      // drop the rest of a message whose first parts died with a handler
	dropped   window    // of that message
	held      []byte    // frames that wait for a handler
	moveTo    *instance // with bondHolding and bondLeaving: the successor
	lost      int       // messages that died with a handler, to report to the next

	// On the way to the client.
	out        queue.Queue
	aside      []byte // whole broadcasts that wait until the handler's message has arrived
	outMidway  bool   // a message of the handler is arriving in parts
	dropping   bool   // drop this message
	cut        int    // messages that the owner had when the queue was dropped
	credit     window // done for the handler, and not yet told to it
	uncredited window // the handler's messages in out

	// The end.
	cause      link.Cause // why it ends, once that is known
	inputEnded bool       // nothing more will come from the client
	closing    bool       // nothing more is taken for the client
	broken     bool       // nothing more is written to the client
	closeSent  bool
	done       bool // the owner has closed its descriptor, or there is none
	forgotten  bool

	context     map[string][]byte // encoded values
	contextSize int

	received, sent int64 // messages
}

// A window counts messages and their payload bytes.
type window struct{ messages, bytes int }

func (w *window) add(messages, bytes int) {
	w.messages += messages
	w.bytes += bytes
}

// sub takes away, and not below zero: bytes are what the other side says.
func (w *window) sub(messages, bytes int) {
	w.messages = max(0, w.messages-messages)
	w.bytes = max(0, w.bytes-bytes)
}

// quarter reports whether so much has gathered that the other side is told.
func (w window) quarter() bool {
	return w.messages >= windowMessages/4 || w.bytes >= windowBytes/4
}

func (w window) shut() bool { return w.messages >= windowMessages || w.bytes >= windowBytes }

// renote counts noted anew, from what is to be handed on. c.mu is held.
func (c *conn) renote() {
	c.noted = window{}
	c.out.Notes(func(raw []byte) {
		var f link.Frame
		if _, err := link.Next(raw, &f); err == nil { // it is the kernel's own
			c.noted.add(int(f.N), int(f.Aux))
		}
	})
}

// ending reports whether one of the directions has ended. c.mu is held.
func (c *conn) ending() bool { return c.inputEnded || c.closing }

// touch notes activity for the idle timeout.
func (c *conn) touch(now int64) { c.active.Store(now) }

// served reports whether in, by that epoch, has the connection.
func (c *conn) served(in *instance, epoch uint32) bool {
	return c.owner == in && c.epoch == epoch
}

// bound reports whether in, by that epoch, handles the connection.
func (c *conn) bound(in *instance, epoch uint32) bool {
	return c.handler == in && c.bindEpoch == epoch && c.bond != bondNone && c.bond != bondGone
}
