package load_test

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A script is a server's side of one connection: what to answer to request n,
// counted from 0, with payload p. It returns payloads, and false to hang up.
type script func(n int, p []byte) (replies [][]byte, goOn bool)

func echo(_ int, p []byte) ([][]byte, bool) { return [][]byte{p}, true }

// serve runs a length32 server whose connections each follow a new script.
func serve(t *testing.T, newScript func() script) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				follow(c, newScript())
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		wg.Wait()
	})
	return l.Addr().String()
}

func follow(c net.Conn, s script) {
	for n := 0; ; n++ {
		p, err := readFrame(c)
		if err != nil {
			return
		}
		replies, goOn := s(n, p)
		for _, r := range replies {
			if writeFrame(c, r) != nil {
				return
			}
		}
		if !goOn {
			return
		}
	}
}

func readFrame(r io.Reader) ([]byte, error) {
	var h [4]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return nil, err
	}
	p := make([]byte, binary.BigEndian.Uint32(h[:]))
	_, err := io.ReadFull(r, p)
	return p, err
}

func writeFrame(w io.Writer, p []byte) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(p))), p...))
	return err
}
