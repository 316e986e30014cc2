package link_test

import (
	"sync/atomic"
	"testing"

	"github.com/netcore-go/netcore/sdk/link"
)

// batchSize is how many frames a sender has when it flushes.
const batchSize = 64

// BenchmarkOneWay sends frames of 64 bytes of payload in batches; an operation
// is a frame.
func BenchmarkOneWay(b *testing.B) {
	for _, c := range carriers {
		b.Run(c.name, func(b *testing.B) {
			near, far := c.pair(b)
			s := newStream(near, far)
			defer s.stop()
			s.send(b.N/10 + 10*batchSize) // to its steady state
			b.ReportAllocs()
			b.SetBytes(link.HeaderSize + 64)
			b.ResetTimer()
			s.send(b.N)
			b.StopTimer()
		})
	}
}

// BenchmarkPingPong sends a frame of 64 bytes of payload to and fro; an
// operation is a round.
func BenchmarkPingPong(b *testing.B) {
	for _, c := range carriers {
		b.Run(c.name, func(b *testing.B) {
			near, far := c.pair(b)
			p := newPingPong(near, far)
			defer p.stop()
			p.play(100)
			b.ReportAllocs()
			b.ResetTimer()
			p.play(b.N)
			b.StopTimer()
		})
	}
}

// A stream is a link one way, with a window as senders have.
type stream struct {
	near, far *link.Link
	ended     []<-chan error
	frame     link.Frame
	come      atomic.Int64
	more      chan struct{} // capacity 1: come has grown
	sent      int64
}

func newStream(near, far *link.Link) *stream {
	s := &stream{near: near, far: far, more: make(chan struct{}, 1)}
	s.frame = link.Frame{Kind: link.Data, Conn: 1, Epoch: 1, Payload: make([]byte, 64)}
	var f link.Frame
	count := func(batch []byte) error {
		n := int64(0)
		for len(batch) > 0 {
			rest, err := link.Next(batch, &f)
			if err != nil {
				return err
			}
			batch = rest
			n++
		}
		s.come.Add(n)
		select {
		case s.more <- struct{}{}:
		default:
		}
		return nil
	}
	s.ended = []<-chan error{runRaw(near, func([]byte) error { return nil }), runRaw(far, count)}
	return s
}

func runRaw(l *link.Link, receive func([]byte) error) <-chan error {
	ended := make(chan error, 1) // one result
	go func() { ended <- l.Run(receive) }()
	return ended
}

// send sends n frames and returns when all have come.
func (s *stream) send(n int) {
	const window = 32 * batchSize
	for end := s.sent + int64(n); s.sent < end; {
		for range min(batchSize, end-s.sent) {
			s.near.Append(&s.frame)
			s.sent++
		}
		s.near.Flush()
		for s.sent-s.come.Load() >= window {
			<-s.more
		}
	}
	for s.come.Load() < s.sent {
		<-s.more
	}
}

func (s *stream) stop() {
	s.near.Close()
	s.far.Close()
	for _, e := range s.ended {
		<-e
	}
}

// A pingPong is a frame that goes to and fro.
type pingPong struct {
	near, far *link.Link
	ended     []<-chan error
	frame     link.Frame
	back      chan struct{} // capacity 1: the frame is back
}

func newPingPong(near, far *link.Link) *pingPong {
	p := &pingPong{near: near, far: far, back: make(chan struct{}, 1)}
	p.frame = link.Frame{Kind: link.Data, Conn: 1, Epoch: 1, Payload: make([]byte, 64)}
	p.ended = []<-chan error{
		runRaw(near, func([]byte) error { p.back <- struct{}{}; return nil }),
		runRaw(far, func(batch []byte) error { far.AppendRaw(batch); far.Flush(); return nil }),
	}
	return p
}

func (p *pingPong) play(rounds int) {
	for range rounds {
		p.near.Append(&p.frame)
		p.near.Flush()
		<-p.back
	}
}

func (p *pingPong) stop() {
	p.near.Close()
	p.far.Close()
	for _, e := range p.ended {
		<-e
	}
}

// TestSteadyStateTakesNoMemory: the buffers of a link are its own.
func TestSteadyStateTakesNoMemory(t *testing.T) {
	for _, c := range carriers {
		t.Run(c.name, func(t *testing.T) {
			near, far := c.pair(t)
			s := newStream(near, far)
			s.send(10_000)
			const n = 10 * batchSize
			if got := testing.AllocsPerRun(50, func() { s.send(n) }); got >= 1 {
				t.Errorf("one way: %v allocations for %d frames, want 0", got, n)
			}
			s.stop()
			near, far = c.pair(t)
			p := newPingPong(near, far)
			defer p.stop()
			p.play(100)
			if got := testing.AllocsPerRun(100, func() { p.play(10) }); got >= 1 {
				t.Errorf("ping-pong: %v allocations for 10 rounds, want 0", got)
			}
		})
	}
}
