package sdktest

import (
	"errors"
	"io"
	"os"
	"time"
)

// write has the client write p.
func (c *Conn) write(p []byte) {
	c.k.t.Helper()
	c.deadline()
	if _, err := c.Client.Write(p); err != nil {
		c.k.t.Fatalf("client of connection %d writes %.40q: %v", c.ID, p, err)
	}
}

// deadline bounds what the client does next.
func (c *Conn) deadline() { _ = c.Client.SetDeadline(time.Now().Add(patienceOf(c.k.t))) } // fails only if closed, as the use does then

// expect has the client read want.
func (c *Conn) expect(want []byte) {
	c.k.t.Helper()
	c.deadline()
	got := make([]byte, len(want))
	n, err := io.ReadFull(c.Client, got)
	if err != nil {
		c.k.t.Fatalf("client of connection %d got %d bytes of %d, %s, and %v; want %s", c.ID, n, len(want), around(got[:n], n), err, around(want, n))
	}
	for i := range want {
		if got[i] != want[i] {
			c.k.t.Fatalf("client of connection %d: byte %d of %d is in %s, want %s", c.ID, i, len(want), around(got, i), around(want, i))
		}
	}
}

// expectEnd has the client read the end of the stream and nothing before it.
func (c *Conn) expectEnd() {
	c.k.t.Helper()
	c.deadline()
	if got, err := io.ReadAll(c.Client); len(got) > 0 || err != nil {
		c.k.t.Fatalf("client of connection %d got %.80q and %v, want the end", c.ID, got, err)
	}
}

// expectOver has the client read the end of the stream, orderly or not, after
// whatever the protocol says before it, and close its end.
func (c *Conn) expectOver() {
	c.k.t.Helper()
	c.deadline()
	if _, err := io.Copy(io.Discard, c.Client); errors.Is(err, os.ErrDeadlineExceeded) {
		c.k.t.Fatalf("client of connection %d: the connection goes on", c.ID)
	}
	_ = c.Client.Close() // so that the plugin need not wait for the client's end
}

// finish ends the connection from the client's side.
func (c *Conn) finish() {
	c.k.t.Helper()
	if err := c.Client.CloseWrite(); err != nil {
		c.k.t.Fatalf("client of connection %d: %v", c.ID, err)
	}
	c.expectEnd()
	c.Done()
}

// arrived waits until the plugin has read n bytes of the connection.
func (c *Conn) arrived(n int) {
	c.k.t.Helper()
	poll(c.k.t, func() bool {
		consumed, _, err := c.counters()
		return err != nil || consumed == uint64(n)
	}, "the plugin has read %d bytes of connection %d", n, c.ID)
}

// around is the part of b near position i, for messages.
func around(b []byte, i int) string {
	const width = 40
	from, to := max(0, i-width), min(len(b), i+width)
	return quote(b[from:to])
}
