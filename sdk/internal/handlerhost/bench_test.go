package handlerhost_test

import (
	"runtime"
	"testing"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/internal/handlerhost"
	"github.com/netcore-go/netcore/sdk/link"
)

// BenchmarkEcho is one message in and its reply out, a hundred to a batch.
func BenchmarkEcho(b *testing.B) {
	for _, mode := range []string{"inline", "queued"} {
		b.Run(mode, func(b *testing.B) {
			near, far := link.Pair()
			host, err := handlerhost.New(&funcs{inline: mode == "inline", message: func(c sdk.Connection, m sdk.Message) { _ = c.Send(m.Data) }}, nil, nil)
			if err != nil {
				b.Fatal(err)
			}
			served := host.Attach(far)[0]
			acked := make(chan int, 1000)
			go func() { _ = far.Run(receiver(b, served)) }()
			done := make(chan struct{})
			go func() {
				defer close(done)
				_ = near.Run(func(batch []byte) error {
					n, written := 0, link.Frame{Kind: link.Written, Conn: 1, Epoch: 1}
					var f link.Frame
					for len(batch) > 0 {
						batch, _ = link.Next(batch, &f)
						if f.Kind == link.Ack || f.Flags&link.Acked != 0 {
							n++
						}
						if f.Kind == link.Data {
							written.N++
							written.Aux += uint64(len(f.Payload))
						}
					}
					near.Append(&written)
					acked <- n
					return nil
				})
			}()
			near.Append(new(bind(1, 0, nil)))
			near.Flush()
			message := data(1, 0, "0123456789012345678901234567890123456789012345678901234567890123")
			b.ReportAllocs()
			b.ResetTimer()
			for sent, got := 0, 0; got < b.N; {
				for range min(100, b.N-sent) {
					near.Append(&message)
					sent++
				}
				near.Flush()
				for got < sent {
					got += <-acked
				}
			}
			b.StopTimer()
			near.Close()
			<-done
			host.Close()
		})
	}
}

// BenchmarkIdle is the memory of a connection that does nothing.
func BenchmarkIdle(b *testing.B) {
	near, far := link.Pair()
	host, err := handlerhost.New(&funcs{inline: true}, nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	served := host.Attach(far)[0]
	defer host.Close()
	defer near.Close()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range b.N {
		if err := served.Handle(new(bind(uint64(i)+1, 0, nil))); err != nil {
			b.Fatal(err)
		}
	}
	served.EndBatch()
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(b.N), "B/conn")
	runtime.KeepAlive(host)
}
