package sdktest

import (
	"fmt"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/link"
	pb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// Prepare asks the plugin to let go of the connection. An error that is
// [sdk.ErrNotMovable] says that it cannot now, and goes on; after nil the
// connection stands still until Resume or Commit.
func (c *Conn) Prepare() error {
	c.k.t.Helper()
	k := c.k
	k.mu.Lock()
	c.leaving, c.answer = true, nil
	k.sendLocked(c.owner, c.frame(link.Prepare))
	k.unlock()
	return c.answered("PREPARED")
}

func (c *Conn) answered(what string) error {
	c.k.t.Helper()
	// A plugin that has closed the connection meanwhile need not answer.
	c.k.wait(func() bool { return c.answer != nil || c.done > 0 }, "%s of connection %d", what, c.ID)
	c.k.mu.Lock()
	defer c.k.mu.Unlock()
	switch {
	case c.answer == nil:
		return sdk.ErrClosed
	case c.answer.Flags&link.Refused != 0:
		return fmt.Errorf("%w: %s", sdk.ErrNotMovable, c.answer.Payload)
	}
	return nil
}

// Resume lets the plugin go on after Prepare.
func (c *Conn) Resume() {
	c.k.mu.Lock()
	defer c.k.unlock()
	c.last++
	c.epoch, c.leaving, c.resting = c.last, false, false
	c.k.sendLocked(c.owner, c.frame(link.Resume))
	c.pumpLocked()
}

// Offer offers a connection that stands still, or whose plugin has died, to
// another instance. After nil it is to be followed by Commit or Revoke.
func (c *Conn) Offer(to *Instance) error {
	c.k.t.Helper()
	return c.offer(to, 1)
}

func (c *Conn) offer(to *Instance, version uint32) error {
	c.k.t.Helper()
	k := c.k
	to.fdMu.Lock()
	defer to.fdMu.Unlock()
	if err := to.body.sendDescriptor(c.fd); err != nil {
		k.t.Fatalf("send descriptor: %v", err)
	}
	k.mu.Lock()
	c.last++
	c.offerTo, c.offerEpoch, c.answer = to, c.last, nil
	o := &pb.Offer{
		Open: c.info(),
		Record: &pb.Record{
			Version: version, Unread: c.rest, State: c.state, Consumed: c.end + uint64(len(c.rest)), Written: c.written,
			InputEnded: c.inputEnded,
		},
		OutstandingMessages: c.outMessages, OutstandingBytes: c.outBytes,
	}
	f := c.frame(link.Offer)
	f.Epoch, f.Flags, f.Payload = c.offerEpoch, link.Descriptor, marshal(o)
	k.sendLocked(to, f)
	k.unlock()
	return c.answered("READY")
}

// Revoke takes an offer back.
func (c *Conn) Revoke() {
	c.k.mu.Lock()
	defer c.k.unlock()
	c.k.sendLocked(c.offerTo, &link.Frame{Kind: link.Release, Conn: c.ID, Epoch: c.offerEpoch})
	c.offerTo = nil
}

// Commit makes the instance that has accepted the offer the owner.
func (c *Conn) Commit() {
	c.k.mu.Lock()
	defer c.k.unlock()
	if c.leaving {
		c.k.sendLocked(c.owner, c.frame(link.Release))
	}
	c.owner, c.epoch, c.offerTo = c.offerTo, c.offerEpoch, nil
	c.leaving, c.resting, c.closeSent = false, false, false
	c.k.sendLocked(c.owner, c.frame(link.Commit))
	c.pumpLocked()
}

// Move moves the connection to another instance. After an error it goes on
// where it was.
func (c *Conn) Move(to *Instance) error {
	c.k.t.Helper()
	if err := c.Prepare(); err != nil {
		return err
	}
	if err := c.Offer(to); err != nil {
		c.Resume()
		return err
	}
	c.Commit()
	return nil
}

// Adopt gives a connection whose plugin was killed to another instance, which
// finds what the dead one has said last. It fails if the dead one took bytes
// from the socket or gave bytes to it that it did not tell of: such a
// connection is lost.
func (c *Conn) Adopt(to *Instance) error {
	c.k.t.Helper()
	consumed, written, err := c.counters()
	if err != nil {
		return err
	}
	c.k.mu.Lock()
	end, told := c.end+uint64(len(c.rest)), c.written
	c.queue = nil // what was given to the dead instance is not kept here
	c.unwritten, c.parts, c.leaving, c.resting = nil, nil, false, false
	opened := c.opened
	c.k.mu.Unlock()
	if !opened && consumed == 0 && written == 0 {
		c.reopen(to)
		return nil
	}
	if consumed != end || written != told {
		return fmt.Errorf("the plugin died with %d bytes read and %d written, and had told of %d and %d", consumed, written, end, told)
	}
	if err := c.Offer(to); err != nil {
		return err
	}
	c.Commit()
	return nil
}

// reopen opens a connection anew that its dead owner never came to.
func (c *Conn) reopen(to *Instance) {
	c.k.t.Helper()
	to.fdMu.Lock()
	defer to.fdMu.Unlock()
	if err := to.body.sendDescriptor(c.fd); err != nil {
		c.k.t.Fatalf("send descriptor: %v", err)
	}
	c.k.mu.Lock()
	defer c.k.unlock()
	c.last++
	c.owner, c.epoch = to, c.last
	f := c.frame(link.Open)
	f.Flags, f.Payload = link.Descriptor, marshal(c.info())
	c.k.sendLocked(to, f)
}
