package streamhost_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/netcore-go/netcore/sdk/link"
)

func (k *kernel) record(f link.Frame) {
	f.Headers = append([]byte(nil), f.Headers...)
	f.Payload = append([]byte(nil), f.Payload...)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.frames = append(k.frames, f)
	close(k.changed)
	k.changed = make(chan struct{})
}

// seen returns the frames of a connection so far, and what is closed when there
// is one more.
func (k *kernel) seen(conn uint64) (frames []link.Frame, more chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, f := range k.frames {
		if f.Conn == conn {
			frames = append(frames, f)
		}
	}
	return frames, k.changed
}

// until waits until a connection's frames satisfy ok, and returns them.
func (k *kernel) until(conn uint64, what string, ok func([]link.Frame) bool) []link.Frame {
	k.t.Helper()
	late := time.After(patience)
	for {
		frames, more := k.seen(conn)
		if ok(frames) {
			return frames
		}
		select {
		case <-more:
		case <-late:
			k.t.Fatalf("connection %d: no %s; frames:\n%s", conn, what, transcript(frames))
		}
	}
}

// await waits for the nth frame of that kind, counted from 1.
func (k *kernel) await(conn uint64, kind link.Kind, nth int) link.Frame {
	k.t.Helper()
	var found link.Frame
	k.until(conn, fmt.Sprintf("%v %d", kind, nth), func(frames []link.Frame) bool {
		n := 0
		for _, f := range frames {
			if f.Kind == kind {
				if n++; n == nth {
					found = f
					return true
				}
			}
		}
		return false
	})
	return found
}

// transcript writes frames so that they can be compared.
func transcript(frames []link.Frame) string {
	var b strings.Builder
	for i := range frames {
		b.WriteString(line(&frames[i]) + "\n")
	}
	return b.String()
}

func line(f *link.Frame) string {
	s := fmt.Sprintf("%v e%d n%d", f.Kind, f.Epoch, f.N)
	if f.Flags != 0 {
		s += fmt.Sprintf(" flags %d", f.Flags)
	}
	if f.Stream != 0 || f.Aux != 0 {
		s += fmt.Sprintf(" stream %d aux %d", f.Stream, f.Aux)
	}
	if len(f.Payload) > 40 {
		return s + fmt.Sprintf(" %d bytes", len(f.Payload))
	}
	if len(f.Payload) > 0 && f.Kind != link.Prepared {
		s += fmt.Sprintf(" %q", f.Payload)
	}
	return s
}
