// Command stdecho is the server that the others are compared with: length32
// echo over package net, one goroutine per connection, in one process. It
// prints its address and ends on SIGTERM.
package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"syscall"
)

const (
	prefix = 4
	// buffer is the size of each connection's read and write buffer. 16 KiB
	// holds 15 messages of 1 KiB, so that a batch of 16 costs two system calls
	// and not five as with bufio's default of 4 KiB; more would only cost
	// memory per connection.
	buffer = 16 << 10
	// maxMessage bounds what a client can make the server allocate.
	maxMessage = 1 << 20
)

func main() {
	address := flag.String("address", "127.0.0.1:0", "address to listen on")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *address); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listen %s: %w", address, err)
	}
	context.AfterFunc(ctx, func() { l.Close() })
	fmt.Println(l.Addr())
	for {
		c, err := l.Accept()
		if ctx.Err() != nil {
			return nil // the process ends, and with it the connections
		}
		if err != nil {
			return fmt.Errorf("accept: %w", err)
		}
		go serve(c)
	}
}

// serve echoes until the client goes.
func serve(c net.Conn) {
	defer c.Close()
	r, w := bufio.NewReaderSize(c, buffer), bufio.NewWriterSize(c, buffer)
	var large []byte
	for {
		if !buffered(r) && w.Flush() != nil {
			return
		}
		frame, err := next(r, &large)
		if err != nil {
			return
		}
		if _, err := w.Write(frame); err != nil {
			return
		}
		if len(frame) <= r.Size() {
			_, _ = r.Discard(len(frame)) // it was peeked
		}
	}
}

// buffered reports whether r holds a whole frame.
func buffered(r *bufio.Reader) bool {
	if r.Buffered() < prefix {
		return false
	}
	h, err := r.Peek(prefix)
	return err == nil && r.Buffered()-prefix >= int(binary.BigEndian.Uint32(h))
}

// next returns the next frame: one that fits r in place and not yet discarded,
// a larger one in large.
func next(r *bufio.Reader, large *[]byte) ([]byte, error) {
	h, err := r.Peek(prefix)
	if err != nil {
		return nil, err
	}
	n := prefix + int(binary.BigEndian.Uint32(h))
	if n > prefix+maxMessage {
		return nil, fmt.Errorf("message of %d bytes", n-prefix)
	}
	if n <= r.Size() {
		return r.Peek(n)
	}
	if cap(*large) < n {
		*large = make([]byte, n)
	}
	_, err = io.ReadFull(r, (*large)[:n])
	return (*large)[:n], err
}
