package sockstat_test

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netcore-go/netcore/kernel/internal/sockstat"
)

type counters = sockstat.Counters

// bothWays runs a scenario with the accepted end as me and again with the
// dialed one: the formulas must hold on either side.
func bothWays(t *testing.T, scenario func(t *testing.T, me, peer end)) {
	t.Run("accepted", func(t *testing.T) {
		a, d := pair(t)
		scenario(t, a, d)
	})
	t.Run("dialed", func(t *testing.T) {
		a, d := pair(t)
		scenario(t, d, a)
	})
}

func TestFreshConnectionIsAtZero(t *testing.T) {
	bothWays(t, func(t *testing.T, me, _ end) {
		me.expect(t, counters{State: sockstat.Established})
	})
}

func TestAtRest(t *testing.T) {
	bothWays(t, func(t *testing.T, me, peer end) {
		peer.write(t, 1000)
		me.take(t, 1000)
		me.write(t, 333)
		peer.take(t, 333)
		me.expect(t, counters{Consumed: 1000, Written: 333, State: sockstat.Established})
		peer.expect(t, counters{Consumed: 333, Written: 1000, State: sockstat.Established})
	})
}

func TestUnreadBytesAreNotConsumed(t *testing.T) {
	bothWays(t, func(t *testing.T, me, peer end) {
		peer.write(t, 1000)
		me.wait(t, unix.POLLIN)
		me.expect(t, counters{QueuedIn: 1000, State: sockstat.Established})
		me.take(t, 400)
		me.expect(t, counters{Consumed: 400, QueuedIn: 600, State: sockstat.Established})
	})
}

func TestFullSendQueueIsWritten(t *testing.T) {
	bothWays(t, func(t *testing.T, me, peer end) {
		n := uint64(me.fill(t))
		c, err := me.read(me.fd)
		must(t, err)
		if c.Written != n || c.QueuedOut == 0 {
			t.Fatalf("counters = %+v, want %d bytes written, some of them queued", c, n)
		}
		peer.take(t, int(n)/2)
		me.expect(t, counters{Written: n, State: sockstat.Established})
		peer.take(t, int(n-n/2))
		me.expect(t, counters{Written: n, State: sockstat.Established})
	})
}

func TestPeerHalfClose(t *testing.T) {
	bothWays(t, func(t *testing.T, me, peer end) {
		peer.write(t, 500)
		peer.shutdownWrite(t)
		me.wait(t, unix.POLLRDHUP)
		me.expect(t, counters{QueuedIn: 500, State: sockstat.CloseWait, PeerClosed: true})
		me.take(t, 200)
		me.expect(t, counters{Consumed: 200, QueuedIn: 300, State: sockstat.CloseWait, PeerClosed: true})
		me.take(t, 300)
		me.expect(t, counters{Consumed: 500, State: sockstat.CloseWait, PeerClosed: true})
		me.takeEnd(t)
		me.write(t, 77)
		me.expect(t, counters{Consumed: 500, Written: 77, State: sockstat.CloseWait, PeerClosed: true})
		peer.expect(t, counters{Written: 500, QueuedIn: 77, State: sockstat.FinWait2})
	})
}

func TestPeerHalfCloseWithoutData(t *testing.T) {
	bothWays(t, func(t *testing.T, me, peer end) {
		peer.shutdownWrite(t)
		me.wait(t, unix.POLLRDHUP)
		me.expect(t, counters{State: sockstat.CloseWait, PeerClosed: true})
		me.takeEnd(t)
		me.expect(t, counters{State: sockstat.CloseWait, PeerClosed: true})
	})
}

func TestOwnHalfClose(t *testing.T) {
	bothWays(t, func(t *testing.T, me, peer end) {
		me.write(t, 250)
		me.shutdownWrite(t)
		me.expect(t, counters{Written: 250, State: sockstat.FinWait2})
		peer.write(t, 40)
		me.take(t, 40)
		me.expect(t, counters{Consumed: 40, Written: 250, State: sockstat.FinWait2})
	})
}

// The FIN waits behind the data of a full queue: it is counted from the moment
// of the shutdown and not again when it is sent and acknowledged.
func TestOwnHalfCloseBehindFullQueue(t *testing.T) {
	bothWays(t, func(t *testing.T, me, peer end) {
		n := uint64(me.fill(t))
		me.shutdownWrite(t)
		me.expect(t, counters{Written: n, State: sockstat.FinWait1})
		peer.take(t, int(n))
		peer.takeEnd(t)
		me.expect(t, counters{Written: n, State: sockstat.FinWait2})
	})
}

func TestBothHalfClosed(t *testing.T) {
	bothWays(t, func(t *testing.T, me, peer end) {
		peer.write(t, 10)
		peer.shutdownWrite(t)
		me.wait(t, unix.POLLRDHUP)
		n := uint64(me.fill(t))
		me.shutdownWrite(t)
		me.expect(t, counters{Written: n, QueuedIn: 10, State: sockstat.LastAck, PeerClosed: true})
		me.take(t, 10)
		me.expect(t, counters{Consumed: 10, Written: n, State: sockstat.LastAck, PeerClosed: true})
	})
}

// Once both FINs are through, the state no longer tells that they were counted:
// this is what Final warns of.
func TestOrderlyEnd(t *testing.T) {
	bothWays(t, func(t *testing.T, me, peer end) {
		me.write(t, 30)
		me.shutdownWrite(t)
		peer.take(t, 30)
		peer.takeEnd(t)
		peer.write(t, 20)
		peer.shutdownWrite(t)
		me.take(t, 20)
		me.takeEnd(t)
		me.expect(t, counters{Consumed: 21, Written: 31, State: sockstat.Close, PeerClosed: true, Final: true})
	})
}

func TestReset(t *testing.T) {
	bothWays(t, func(t *testing.T, me, peer end) {
		me.write(t, 30)
		peer.take(t, 30)
		fd, err := unix.FcntlInt(uintptr(peer.fd), unix.F_DUPFD_CLOEXEC, 0)
		must(t, err)
		must(t, sockstat.Reset(fd))
		me.expect(t, counters{Written: 30, State: sockstat.Established}) // a copy is left
		fd, err = unix.FcntlInt(uintptr(peer.fd), unix.F_DUPFD_CLOEXEC, 0)
		must(t, err)
		null, err := os.Open(os.DevNull)
		must(t, err)
		defer null.Close()
		must(t, unix.Dup3(int(null.Fd()), peer.fd, unix.O_CLOEXEC))
		must(t, sockstat.Reset(fd))
		me.wait(t, unix.POLLRDHUP)
		for range 2 { // looking does not take the error away
			me.expect(t, counters{Written: 30, State: sockstat.Close, PeerClosed: true, Final: true, Failed: true})
		}
		if err := sockstat.TakeError(me.fd); !errors.Is(err, unix.ECONNRESET) {
			t.Fatalf("TakeError() = %v, want ECONNRESET", err)
		}
		if err := sockstat.TakeError(me.fd); err != nil {
			t.Fatalf("second TakeError() = %v, want nil", err)
		}
		me.expect(t, counters{Written: 30, State: sockstat.Close, PeerClosed: true, Final: true})
	})
}

// A reset while both queues are full leaves both counts as they were.
func TestResetWithFullQueues(t *testing.T) {
	bothWays(t, func(t *testing.T, me, peer end) {
		peer.write(t, 1000)
		me.take(t, 600)
		n := uint64(me.fill(t))
		null, err := os.Open(os.DevNull)
		must(t, err)
		defer null.Close()
		must(t, unix.Dup3(int(null.Fd()), peer.fd, unix.O_CLOEXEC)) // closes with unread bytes: a reset
		me.wait(t, unix.POLLERR)
		me.expect(t, counters{Consumed: 600, Written: n, QueuedIn: 400, State: sockstat.Close, PeerClosed: true, Final: true, Failed: true})
	})
}

// The acknowledgements of a dead process's bytes go on arriving while the
// counters are read; the sum may not move.
func TestWrittenIsSteadyWhileThePeerReads(t *testing.T) {
	bothWays(t, func(t *testing.T, me, peer end) {
		n := uint64(me.fill(t))
		done := make(chan struct{})
		go func() {
			defer close(done)
			b := make([]byte, 8192)
			for left := int(n); left > 0; {
				got, err := unix.Read(peer.fd, b)
				if err != nil && !errors.Is(err, unix.EAGAIN) {
					return
				}
				left -= max(got, 0)
			}
		}()
		for running := true; running; {
			select {
			case <-done:
				running = false
			default:
			}
			c, err := me.read(me.fd)
			if errors.Is(err, sockstat.ErrUnsettled) {
				continue
			}
			must(t, err)
			if c.Written != n {
				t.Errorf("written = %d, want %d", c.Written, n)
				running = false
			}
		}
		<-done
	})
}

func TestReadOfADialedSocketCountsItsSYN(t *testing.T) {
	_, d := pair(t)
	c, err := sockstat.Read(d.fd)
	must(t, err)
	if c.Written != 1 {
		t.Fatalf("Read(dialed).Written = %d, want 1: ReadDialed is there for it", c.Written)
	}
}

func TestShutdownBoth(t *testing.T) {
	me, peer := pair(t)
	must(t, sockstat.ShutdownBoth(me.fd))
	me.takeEnd(t)
	peer.takeEnd(t)
	must(t, sockstat.ShutdownBoth(peer.fd))
	me.expect(t, counters{Consumed: 1, Written: 1, State: sockstat.Close, PeerClosed: true, Final: true})
	must(t, sockstat.ShutdownBoth(me.fd))
}

func TestFlagsStay(t *testing.T) {
	me, _ := pair(t)
	before := flags(t, me.fd)
	_, err := sockstat.Read(me.fd)
	must(t, err)
	must(t, sockstat.ShutdownBoth(me.fd))
	if got := flags(t, me.fd); got != before {
		t.Fatalf("flags = %#x, want %#x", got, before)
	}
}

func flags(t *testing.T, fd int) int {
	t.Helper()
	n, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	must(t, err)
	return n
}

func TestNoSocket(t *testing.T) {
	f, err := os.Open(os.DevNull)
	must(t, err)
	defer f.Close()
	if _, err := sockstat.Read(int(f.Fd())); !errors.Is(err, unix.ENOTSOCK) {
		t.Errorf("Read(file) error = %v, want ENOTSOCK", err)
	}
	if err := sockstat.ShutdownBoth(int(f.Fd())); !errors.Is(err, unix.ENOTSOCK) {
		t.Errorf("ShutdownBoth(file) = %v, want ENOTSOCK", err)
	}
	if err := sockstat.Reset(-1); !errors.Is(err, unix.EBADF) {
		t.Errorf("Reset(-1) = %v, want EBADF", err)
	}
}

func TestStateString(t *testing.T) {
	if got := sockstat.Closing.String(); got != "CLOSING" {
		t.Errorf("Closing = %q", got)
	}
	if got := sockstat.State(200).String(); got != "STATE(200)" {
		t.Errorf("State(200) = %q", got)
	}
}

// BenchmarkRead measures what one look at a connection costs.
func BenchmarkRead(b *testing.B) {
	me, _ := pair(b)
	for b.Loop() {
		if _, err := sockstat.Read(me.fd); err != nil {
			b.Fatal(err)
		}
	}
}
