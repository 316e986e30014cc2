package link_test

import (
	"errors"
	"io"
	"sync"
	"testing"

	"github.com/netcore-go/netcore/sdk/link"
)

// TestOrderUnderConcurrentSenders: of each sender all frames come, in order,
// whichever way they are flushed, in both directions at once.
func TestOrderUnderConcurrentSenders(t *testing.T) {
	const senders, each64 = 8, 2000
	each(t, func(t *testing.T, a, b *link.Link) {
		atA, atB := collect(t, senders*each64), collect(t, senders*each64)
		ended := []<-chan error{run(a, atA.receive), run(b, atB.receive)}
		var sending sync.WaitGroup
		for _, l := range []*link.Link{a, b} {
			for s := range senders {
				sending.Go(func() { send(l, uint64(s+1), each64, s%2 == 0) })
			}
		}
		sending.Wait()
		atA.wait()
		atB.wait()
		a.Close()
		b.Close()
		for _, e := range ended {
			_ = result(t, e) // ErrClosed, or nil if the other was first
		}
	})
}

// send sends n numbered frames.
func send(l *link.Link, conn uint64, n int, flush bool) {
	payload := make([]byte, 64)
	for i := range n {
		f := link.Frame{Kind: link.Data, Conn: conn, Aux: uint64(i), Payload: payload}
		if i%3 == 0 {
			l.AppendRaw(link.AppendFrame(nil, &f))
		} else {
			l.Append(&f)
		}
		if flush {
			l.Flush()
		} else {
			l.FlushLater()
		}
	}
}

// TestFlushDoesNotWait: nobody reads at the other end; senders go on, and all
// comes when it does.
func TestFlushDoesNotWait(t *testing.T) {
	const n = 400 // of 16 KiB: more than the sockets hold
	each(t, func(t *testing.T, a, b *link.Link) {
		endA := run(a, ignore)
		payload := make([]byte, link.MaxChunk)
		for i := range n {
			a.Append(&link.Frame{Kind: link.Data, Conn: 1, Aux: uint64(i), Payload: payload})
			a.Flush()
		}
		if a.Queued() == 0 || a.Drained() {
			t.Errorf("Queued() = %d, Drained() = %v, want what was not read", a.Queued(), a.Drained())
		}
		at := collect(t, n)
		endB := run(b, at.receive)
		at.wait()
		eventually(t, "Drained", a.Drained)
		if a.Queued() != 0 {
			t.Errorf("Queued() = %d, want 0", a.Queued())
		}
		a.Close()
		if err := result(t, endA); !errors.Is(err, link.ErrClosed) {
			t.Errorf("Run() = %v, want ErrClosed", err)
		}
		if err := result(t, endB); err != nil {
			t.Errorf("Run() of the other end = %v, want nil", err)
		}
	})
}

func TestClose(t *testing.T) {
	each(t, func(t *testing.T, a, b *link.Link) {
		endA, endB := run(a, ignore), run(b, ignore)
		b.Close()
		b.Close()
		if err := result(t, endB); !errors.Is(err, link.ErrClosed) {
			t.Errorf("Run() = %v, want ErrClosed", err)
		}
		if err := result(t, endA); err != nil {
			t.Errorf("Run() of the other end = %v, want nil", err)
		}
		for _, l := range []*link.Link{a, b} {
			l.Append(&link.Frame{Kind: link.Data})
			l.Flush()
			l.FlushLater()
			if !l.Drained() || l.Queued() != 0 {
				t.Errorf("Drained() = %v, Queued() = %d after the end, want true, 0", l.Drained(), l.Queued())
			}
		}
	})
}

func TestCloseBeforeRun(t *testing.T) {
	each(t, func(t *testing.T, a, b *link.Link) {
		a.Close()
		if err := result(t, run(a, ignore)); !errors.Is(err, link.ErrClosed) {
			t.Errorf("Run() after Close = %v, want ErrClosed", err)
		}
		if err := result(t, run(b, ignore)); err != nil {
			t.Errorf("Run() of the other end = %v, want nil", err)
		}
	})
}

// TestCloseEndsAWaitingWriter: the other end does not read, and the writer waits.
func TestCloseEndsAWaitingWriter(t *testing.T) {
	each(t, func(t *testing.T, a, _ *link.Link) {
		ended := run(a, ignore)
		payload := make([]byte, link.MaxChunk)
		for range 300 {
			a.Append(&link.Frame{Kind: link.Data, Payload: payload})
		}
		a.Flush()
		a.Close()
		if err := result(t, ended); !errors.Is(err, link.ErrClosed) {
			t.Errorf("Run() = %v, want ErrClosed", err)
		}
	})
}

func TestErrorOfReceiveEndsTheLink(t *testing.T) {
	bad := errors.New("not to be had")
	each(t, func(t *testing.T, a, b *link.Link) {
		endA := run(a, ignore)
		endB := make(chan error, 1)
		go func() { endB <- b.Run(func([]byte) error { return bad }) }()
		a.Append(&link.Frame{Kind: link.Data})
		a.FlushLater()
		if err := result(t, endB); !errors.Is(err, bad) {
			t.Errorf("Run() = %v, want %v", err, bad)
		}
		if err := result(t, endA); err != nil {
			t.Errorf("Run() of the other end = %v, want nil", err)
		}
	})
}

// TestReceiveMayCloseAndFlush: receive answers from within, the answer is
// answered, and at last it closes its own link.
func TestReceiveMayCloseAndFlush(t *testing.T) {
	const rounds = 1000
	each(t, func(t *testing.T, a, b *link.Link) {
		var seen uint64
		bounce := func(l *link.Link, count bool) func([]byte) error {
			return func(batch []byte) error {
				err := frames(batch, func(f *link.Frame) {
					if count {
						seen = f.Aux
					}
					if f.Aux < rounds {
						l.Append(&link.Frame{Kind: link.Data, Aux: f.Aux + 1})
					} else {
						l.Close()
					}
				})
				l.Flush()
				return err
			}
		}
		ends := make(chan error, 2) // two results
		go func() { ends <- a.Run(bounce(a, true)) }()
		go func() { ends <- b.Run(bounce(b, false)) }()
		a.Append(&link.Frame{Kind: link.Data, Aux: 1})
		a.FlushLater()
		for range 2 {
			if err := result(t, ends); err != nil && !errors.Is(err, link.ErrClosed) {
				t.Errorf("Run() = %v", err)
			}
		}
		if seen != rounds && seen != rounds-1 {
			t.Errorf("the last frame was %d, want %d", seen, rounds)
		}
	})
}

// TestLastWords: what an end had written before it died is still read, whatever
// the other end writes to it.
func TestLastWords(t *testing.T) {
	const n = 500
	x, y := sockets(t)
	a := newUnix(t, x)
	var batch []byte
	for i := range n {
		batch = link.AppendFrame(batch, &link.Frame{Kind: link.Data, Conn: 1, Aux: uint64(i), Payload: make([]byte, 64)})
	}
	if _, err := y.Write(batch); err != nil {
		t.Fatal(err)
	}
	y.Close()
	for range 10 { // EPIPE
		a.Append(&link.Frame{Kind: link.Data})
		a.Flush()
	}
	at := collect(t, n)
	if err := result(t, run(a, at.receive)); err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
	at.wait()
}

// TestPeerDiesWithUnreadFrames: its kernel answers with a reset.
func TestPeerDiesWithUnreadFrames(t *testing.T) {
	x, y := sockets(t)
	a := newUnix(t, x)
	a.Append(&link.Frame{Kind: link.Data, Payload: make([]byte, 100)})
	a.Flush()
	y.Close()
	if err := result(t, run(a, ignore)); err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
}

func TestEndWithinAFrame(t *testing.T) {
	frame := link.AppendFrame(nil, &link.Frame{Kind: link.Data, Payload: []byte("hello")})
	for cut := 1; cut < len(frame); cut++ {
		x, y := sockets(t)
		a := newUnix(t, x)
		if _, err := y.Write(frame[:cut]); err != nil {
			t.Fatal(err)
		}
		y.Close()
		var bad *link.MalformedError
		if err := result(t, run(a, ignore)); !errors.As(err, &bad) {
			t.Errorf("cut at %d: Run() = %v, want a MalformedError", cut, err)
		}
	}
}

// TestCutAtEveryByte: frames come whole however the bytes do.
func TestCutAtEveryByte(t *testing.T) {
	var stream []byte
	for i, size := range []int{0, 1, 100} {
		stream = link.AppendFrame(stream, &link.Frame{Kind: link.Data, Conn: 1, Aux: uint64(i), Payload: make([]byte, size)})
	}
	for cut := 1; cut < len(stream); cut++ {
		x, y := sockets(t)
		at := collect(t, 3)
		ended := run(newUnix(t, x), at.receive)
		for _, part := range [][]byte{stream[:cut], stream[cut:]} {
			if _, err := y.Write(part); err != nil {
				t.Fatal(err)
			}
			drain(t, y)
		}
		at.wait()
		y.Close()
		if err := result(t, ended); err != nil {
			t.Errorf("cut at %d: Run() = %v, want nil", cut, err)
		}
	}
}

// TestHugeFrames: the largest frames pass, beside small ones.
func TestHugeFrames(t *testing.T) {
	each(t, func(t *testing.T, a, b *link.Link) {
		const n = 6
		at := collect(t, n)
		endA, endB := run(a, ignore), run(b, at.receive)
		for i := range n {
			size := link.MaxFrame - link.HeaderSize
			if i%2 == 1 {
				size = 10
			}
			a.Append(&link.Frame{Kind: link.Prepared, Conn: 1, Aux: uint64(i), Payload: make([]byte, size)})
		}
		a.FlushLater()
		at.wait()
		b.Close()
		_, _ = result(t, endA), result(t, endB)
	})
}

func TestMalformedStreamEndsTheLink(t *testing.T) {
	for name, b := range map[string][]byte{
		"too small":     {39, 0, 0, 0},
		"too large":     {0xff, 0xff, 0xff, 0xff},
		"one too large": {1, 0, 20, 0},
	} {
		t.Run(name, func(t *testing.T) {
			x, y := sockets(t)
			if _, err := y.Write(append(link.AppendFrame(nil, &link.Frame{Kind: link.Data, Conn: 1}), b...)); err != nil {
				t.Fatal(err)
			}
			at := collect(t, 1)
			var bad *link.MalformedError
			if err := result(t, run(newUnix(t, x), at.receive)); !errors.As(err, &bad) {
				t.Errorf("Run() = %v, want a MalformedError", err)
			}
			at.wait() // what came before it was whole
			if _, err := y.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
				t.Errorf("the other end reads %v, want the end", err)
			}
		})
	}
}
