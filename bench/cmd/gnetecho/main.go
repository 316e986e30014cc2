// Command gnetecho is length32 echo on gnet's event loops, one per core, in one
// process. It prints its address and ends on SIGTERM.
package main

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/panjf2000/gnet/v2"
)

const (
	prefix     = 4
	maxMessage = 1 << 20
)

func main() {
	address := flag.String("address", "", "address to listen on; the port must not be 0, which gnet does not resolve")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s := &server{ctx: ctx, address: *address}
	if err := gnet.Run(s, "tcp://"+*address, gnet.WithMulticore(true)); err != nil {
		log.Fatal(fmt.Errorf("serve %s: %w", *address, err))
	}
}

type server struct {
	gnet.BuiltinEventEngine
	ctx     context.Context // ends when the process is to end
	address string
}

func (s *server) OnBoot(e gnet.Engine) gnet.Action {
	context.AfterFunc(s.ctx, func() {
		if err := e.Stop(context.Background()); err != nil {
			log.Print(err)
		}
	})
	fmt.Println(s.address)
	return gnet.None
}

// OnTraffic echoes all whole frames that are there with one write, as a server
// with buffers flushes when it has read all.
func (s *server) OnTraffic(c gnet.Conn) gnet.Action {
	in, err := c.Peek(-1)
	if err != nil {
		return gnet.Close
	}
	n, ok := whole(in)
	if !ok {
		return gnet.Close
	}
	if n == 0 {
		return gnet.None // Discard(0) would discard everything
	}
	if _, err := c.Write(in[:n]); err != nil {
		return gnet.Close
	}
	if _, err := c.Discard(n); err != nil {
		return gnet.Close
	}
	return gnet.None
}

// whole returns the length of the whole frames at the start of b; not ok if one
// is too large.
func whole(b []byte) (n int, ok bool) {
	for len(b)-n >= prefix {
		size := int(binary.BigEndian.Uint32(b[n:]))
		if size > maxMessage {
			return n, false
		}
		if len(b)-n < prefix+size {
			break
		}
		n += prefix + size
	}
	return n, true
}
