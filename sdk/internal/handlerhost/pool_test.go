package handlerhost_test

import (
	"bytes"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/internal/handlerhost"
	"github.com/netcore-go/netcore/sdk/link"
	pb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// workers counts the goroutines that run user code, and wait for it.
func workers(t *testing.T) int {
	t.Helper()
	var b bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&b, 2); err != nil {
		t.Fatal(err)
	}
	return strings.Count(b.String(), "handlerhost.(*pool).work(")
}

func TestWorkersAreBoundedAndEndWhenIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 600
		block := make(chan struct{})
		_, far := link.Pair()
		host, err := handlerhost.New(&funcs{message: func(sdk.Connection, sdk.Message) { <-block }}, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		served := host.Attach(far)[0]
		defer host.Close()
		for i := uint64(1); i <= n; i++ {
			for _, f := range []link.Frame{bind(i, 0, nil), data(i, 0, "x")} {
				if err := served.Handle(&f); err != nil {
					t.Fatal(err)
				}
			}
		}
		served.EndBatch()
		synctest.Wait()
		if got := workers(t); got != 512 {
			t.Errorf("%d blocked workers, want 512", got)
		}
		close(block)
		time.Sleep(time.Minute) // of the bubble's clock
		synctest.Wait()
		if got := workers(t); got != 0 {
			t.Errorf("%d idle workers after a minute, want 0", got)
		}
	})
}

func TestConcurrentMessagesDoNotMix(t *testing.T) {
	modes(t, func(t *testing.T, inline bool) {
		const senders, each = 4, 20
		h := &full{funcs: funcs{inline: inline}}
		k := serve(t, h)
		k.send(bind(1, 0, &pb.Binding{WindowMessages: 1000, WindowBytes: 1 << 30}))
		c, _ := h.host.Connection("1")
		var all sync.WaitGroup
		for s := range senders {
			all.Go(func() {
				for range each {
					if err := c.Send(bytes.Repeat([]byte{byte('a' + s)}, 2*link.MaxChunk+s)); err != nil {
						t.Errorf("Send() = %v", err)
					}
				}
			})
		}
		for range senders * each {
			first := k.next(link.Data)
			who, size := first.Payload[0], len(first.Payload)
			for f := first; f.Flags&link.More != 0; {
				f = k.next(link.Data)
				size += len(f.Payload)
				if len(f.Payload) > 0 && f.Payload[0] != who {
					t.Fatalf("a chunk of %c in a message of %c", f.Payload[0], who)
				}
			}
			if want := 2*link.MaxChunk + int(who-'a'); size != want {
				t.Errorf("message of %d bytes, want %d", size, want)
			}
		}
		all.Wait()
	})
}
