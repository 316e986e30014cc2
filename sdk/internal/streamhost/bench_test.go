package streamhost_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// BenchmarkEcho is a message there and back: client, socket, host, memory link,
// a kernel that echoes, and back, all in this process.
func BenchmarkEcho(b *testing.B) {
	for _, bm := range []struct{ conns, depth, size int }{
		{1, 1, 64}, {1, 16, 64}, {8, 1, 64}, {8, 16, 64}, {64, 16, 64}, {8, 16, 1024}, {8, 4, 65000},
	} {
		b.Run(fmt.Sprintf("conns=%d/depth=%d/size=%d", bm.conns, bm.depth, bm.size), func(b *testing.B) {
			k := newKernel(b, protocol{}, nil)
			k.on, k.silent = echo, true
			msg := frame(kindMessage, strings.Repeat("x", bm.size))
			clients := make([]net.Conn, bm.conns)
			for i := range clients {
				clients[i], _ = k.openWide(uint64(i + 1))
			}
			b.SetBytes(int64(len(msg)))
			b.ReportAllocs()
			b.ResetTimer()
			var wg sync.WaitGroup
			for i, c := range clients {
				n := b.N / bm.conns
				if i == 0 {
					n += b.N % bm.conns
				}
				wg.Go(func() { pingPong(b, c, msg, bm.depth, n) })
			}
			wg.Wait()
		})
	}
}

// pingPong exchanges n messages, depth at a time.
func pingPong(b *testing.B, c net.Conn, msg []byte, depth, n int) {
	out := []byte(strings.Repeat(string(msg), depth))
	in := make([]byte, len(out))
	for n > 0 {
		size := min(n, depth) * len(msg)
		if _, err := c.Write(out[:size]); err != nil {
			b.Error(err)
			return
		}
		if _, err := io.ReadFull(c, in[:size]); err != nil {
			b.Error(err)
			return
		}
		n -= depth
	}
}
