package queue_test

import (
	"bytes"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/netcore-go/netcore/kernel/internal/queue"
)

// message is what the model knows of one message.
type message struct {
	frames [][]byte
	credit bool
	note   bool
}

func (m message) size() (n int) {
	for _, f := range m.frames {
		n += len(f)
	}
	return n
}

// TestAgainstModel drives a queue and a naive list of messages alike.
func TestAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := queue.New(new(queue.Pool))
		var kept []message // whole messages, oldest first
		var arriving message
		sent, serial := 0, 0
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				frame := bytes.Repeat([]byte{byte(serial)}, rapid.IntRange(1, 3000).Draw(t, "size"))
				serial++
				if len(arriving.frames) == 0 {
					arriving.credit = rapid.Bool().Draw(t, "credit")
				}
				end := rapid.Bool().Draw(t, "end")
				window := queue.NoCredit
				if arriving.credit {
					window = len(frame) / 2
				}
				q.Push(frame, end, window)
				arriving.frames = append(arriving.frames, frame)
				if end {
					kept, arriving = append(kept, arriving), message{}
				}
			},
			"next": func(t *rapid.T) {
				if sent == len(kept) {
					if f, _ := q.Next(); f != nil {
						t.Fatal("Next() of nothing pending is not nil")
					}
					return
				}
				for i, want := range kept[sent].frames {
					got, end := q.Next()
					if !bytes.Equal(got, want) {
						t.Fatalf("Next() = %.8x, want %.8x", got, want)
					}
					if last := i == len(kept[sent].frames)-1; end != last {
						t.Fatalf("Next() end = %v, want %v", end, last)
					}
				}
				sent++
			},
			"note": func(t *rapid.T) {
				if len(arriving.frames) > 0 {
					return
				}
				q.PushNote([]byte("note"))
				kept = append(kept, message{frames: [][]byte{[]byte("note")}, note: true})
			},
			"written": func(t *rapid.T) {
				n := rapid.IntRange(0, 3).Draw(t, "n")
				done, ok := q.Written(n)
				if want := n <= messages(kept[:sent]); ok != want {
					t.Fatalf("Written(%d) of %d = %v", n, messages(kept[:sent]), ok)
				}
				if !ok {
					return
				}
				m := 0 // all up to the n-th message, and the notes behind it
				for messages(kept[:m]) < n {
					m++
				}
				if want := account(kept[:m]); done != want {
					t.Fatalf("Written(%d) = %+v, want %+v", n, done, want)
				}
				for m < sent && kept[m].note {
					m++
				}
				kept, sent = kept[m:], sent-m
			},
			"settle": func(t *rapid.T) {
				q.Settle()
				for sent > 0 && kept[0].note {
					kept, sent = kept[1:], sent-1
				}
			},
			"rewind":   func(t *rapid.T) { q.Rewind(); sent = 0 },
			"truncate": func(t *rapid.T) { q.Truncate(); arriving = message{} },
			"drop": func(t *rapid.T) {
				if got, want := q.Drop(), account(kept); got != want {
					t.Fatalf("Drop() = %+v, want %+v", got, want)
				}
				kept, arriving, sent = nil, message{}, 0
			},
			"": func(t *rapid.T) {
				total := arriving.size()
				for _, m := range kept {
					total += m.size()
				}
				if got := q.Bytes(); got != total {
					t.Fatalf("Bytes() = %d, want %d", got, total)
				}
				if got, _ := q.Outstanding(); got != messages(kept[:sent]) {
					t.Fatalf("Outstanding() = %d, want %d", got, messages(kept[:sent]))
				}
				if got := q.Pending(); got != (sent < len(kept)) {
					t.Fatalf("Pending() = %v with %d of %d sent", got, sent, len(kept))
				}
				if got := q.Arriving(); got != (len(arriving.frames) > 0) {
					t.Fatalf("Arriving() = %v", got)
				}
			},
		})
	})
}

func messages(ms []message) (n int) {
	for _, m := range ms {
		if !m.note {
			n++
		}
	}
	return n
}

func account(ms []message) (d queue.Done) {
	for _, m := range ms {
		d.Bytes += m.size()
		if m.note {
			continue
		}
		d.Messages++
		if m.credit {
			d.Credit++
			for _, f := range m.frames {
				d.CreditBytes += len(f) / 2
			}
		}
	}
	return d
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	q := queue.New(new(queue.Pool))
	frame := make([]byte, 104)
	n := testing.AllocsPerRun(1000, func() {
		q.Push(frame, true, 64)
		q.Next()
		q.Written(1)
	})
	if n != 0 {
		t.Errorf("%v allocations a message, want 0", n)
	}
}

func ExampleQueue() {
	q := queue.New(new(queue.Pool))
	q.Push([]byte("hello"), true, 5)
	frame, end := q.Next()
	fmt.Printf("%s %v\n", frame, end)
	q.Rewind() // whoever had it died
	frame, _ = q.Next()
	done, _ := q.Written(1)
	fmt.Printf("%s %d\n", frame, done.Messages)
	// Output:
	// hello true
	// hello 1
}
