package kernel

import (
	"sync"
	"time"

	"github.com/netcore-go/netcore/sdk/link"
)

// A reader is the kernel's end of one link of an instance, and what its
// goroutine needs. An instance has several where that lets several cores work:
// each connection's frames pass by one of them.
type reader struct {
	in    *instance
	index int
	link  *link.Link
	turn  turn
	frame link.Frame

	// fdMu keeps descriptors and the frames that announce them in one order.
	// It is taken before a connection's mu.
	fdMu sync.Mutex

	// A broadcast that arrives.
	parts   []byte // its frames
	room    string
	except  uint64   // the connection that it leaves out
	members []uint64 // of the room; kept for its memory
}

// reader returns the reader for a connection.
func (in *instance) reader(conn uint64) *reader {
	if len(in.readers) == 1 {
		return in.readers[0]
	}
	return in.readers[conn%uint64(len(in.readers))]
}

// attach gives in its links.
func (in *instance) attach(links []*link.Link) {
	for i, l := range links {
		r := &reader{in: in, index: i, link: l}
		l.OnIdle(r.rest)
		in.readers = append(in.readers, r)
	}
}

// closeLinks ends all links.
func (in *instance) closeLinks() {
	for _, r := range in.readers {
		r.link.Close()
	}
}

// rest is called when no more frames have arrived.
func (r *reader) rest() { r.turn.flush() }

// receive is the link's receive function: it acts on a batch, and leaves it to
// rest to flush. An error ends the instance.
func (r *reader) receive(batch []byte) error {
	in, t, f := r.in, &r.turn, &r.frame
	t.now = time.Now().UnixNano()
	defer t.release()
	for len(batch) > 0 {
		rest, err := link.Next(batch, f)
		if err != nil {
			return err
		}
		raw := batch[:len(batch)-len(rest)]
		batch = rest
		if in.slot.protocol {
			err = in.k.fromProtocol(t, in, f, raw)
		} else {
			err = in.k.fromHandler(r, f, raw)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
