package kernel_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"time"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/protobuf/proto"

	"github.com/netcore-go/netcore/sdk/link"
	pb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// What a liar can do, by name.
var lies = map[string]lie{
	"exit":          {start: func() { fmt.Fprintln(os.Stderr, "no licence found"); os.Exit(1) }},
	"hang":          {start: forever},
	"protocol":      {handshake: func(h *goplugin.HandshakeConfig) { h.ProtocolVersion = 7 }},
	"frame_version": {describe: func(m *pb.Manifest) { m.FrameVersion = 9 }},
	"wrong_kind":    {describe: func(m *pb.Manifest) { m.Kinds = []pb.Kind{pb.Kind_KIND_MIDDLEWARE} }},
	"no_carrier":    {describe: func(m *pb.Manifest) { m.Carriers = nil }},
	"field": {configure: func() (*pb.ConfigureResponse, error) {
		return &pb.ConfigureResponse{Error: &pb.FieldError{Listener: "a", Field: "framing", Message: "is out of fashion"}}, nil
	}},
	"configure_hangs": {configure: func() (*pb.ConfigureResponse, error) { forever(); return nil, nil }},
	"after_configure": {health: func() { os.Exit(1) }},
	"short_life": {health: func() {
		time.AfterFunc(50*time.Millisecond, func() { os.Exit(1) })
	}},

	"on_offer":      {in: on(link.Offer, func(*liar, *link.Frame) bool { os.Exit(1); return false })},
	"silent":        {in: on(link.Offer, func(*liar, *link.Frame) bool { return false })},
	"refuses":       {out: onRaw(link.Ready, refuse)},
	"foreign_ready": {out: onRaw(link.Ready, func(l *liar, f *link.Frame, raw []byte) bool { link.SetConn(raw, f.Conn+1<<30); return true })},
	"after_ready":   {in: on(link.Commit, func(*liar, *link.Frame) bool { os.Exit(1); return false }), out: onRaw(link.Ready, first(1))},
	"after_some":    {in: on(link.Commit, afterSome), out: onRaw(link.Ready, first(10))},

	"size_small":  {in: onOffer(func(b []byte) { binary.LittleEndian.PutUint32(b, 5) })},
	"size_huge":   {in: onOffer(func(b []byte) { binary.LittleEndian.PutUint32(b, 1<<31) })},
	"kind_none":   {in: onOffer(func(b []byte) { b[4] = 0 })},
	"kind_wrong":  {in: onOffer(func(b []byte) { b[4] = 99 })},
	"kind_others": {in: onOffer(func(b []byte) { b[4] = byte(link.Bind) })},
	"byte_seven":  {in: onOffer(func(b []byte) { b[7] = 1 })},
	"headers":     {in: onOffer(func(b []byte) { b[4] = byte(link.Data); binary.LittleEndian.PutUint32(b[20:], 1<<20) })},
	"long_data":   {in: on(link.Offer, longData)},
	"half_frame":  {in: on(link.Offer, halfFrame)},

	"foreign": {in: on(link.Offer, foreign)},

	"too_much_written": {in: on(link.Commit, tooMuchWritten), out: onRaw(link.Ready, first(1))},
	"beyond_window":    {in: on(link.Commit, beyondWindow), out: onRaw(link.Ready, first(1))},
	"endless_message":  {in: on(link.Commit, endlessMessage)},

	"never_prepared": {in: on(link.Prepare, func(*liar, *link.Frame) bool { return false })},
	"record_unread":  {out: onRaw(link.Prepared, recordWith(func(r *pb.Record) { r.Unread = []byte("xyz"); r.Consumed = 1 }))},
	"record_version": {out: onRaw(link.Prepared, recordWith(func(r *pb.Record) { r.Version = 9 }))},
	"record_garbage": {out: onRaw(link.Prepared, garbage)},
	"on_prepare":     {in: on(link.Prepare, func(*liar, *link.Frame) bool { os.Exit(1); return false })},
	"done_at_rest":   {out: onRaw(link.Prepared, doneAtRest)},
	"deaf_to_close":  {in: on(link.Close, func(*liar, *link.Frame) bool { return false })},

	"on_bind":         {in: on(link.Bind, func(*liar, *link.Frame) bool { os.Exit(1); return false })},
	"too_much_ack":    {in: on(link.Bind, tooMuchAck)},
	"byte_seven_bind": {in: on(link.Bind, byteSeven)},
	"never_unbound":   {out: onRaw(link.Unbind, func(*liar, *link.Frame, []byte) bool { return false })},
	"wrong_sizes":     {out: onRaw(link.Ack, func(_ *liar, _ *link.Frame, raw []byte) bool { link.SetAux(raw, 1<<40); return true })},
}

func forever() {
	for {
		time.Sleep(time.Hour)
	}
}

type hook = func(*liar, *link.Frame, []byte) bool

// on acts on frames of one kind.
func on(kind link.Kind, act func(*liar, *link.Frame) bool) hook {
	return onRaw(kind, func(l *liar, f *link.Frame, _ []byte) bool { return act(l, f) })
}

func onRaw(kind link.Kind, act hook) hook {
	return func(l *liar, f *link.Frame, raw []byte) bool { return f.Kind != kind || act(l, f, raw) }
}

// onOffer answers the first OFFER with a frame that spoil has had.
func onOffer(spoil func([]byte)) hook {
	return on(link.Offer, func(l *liar, f *link.Frame) bool {
		b := link.AppendFrame(nil, &link.Frame{Kind: link.Ready, Conn: f.Conn, Epoch: f.Epoch})
		spoil(b)
		l.sayRaw(b)
		return false
	})
}

func longData(l *liar, f *link.Frame) bool {
	l.say(link.Frame{Kind: link.Data, Conn: f.Conn, Epoch: f.Epoch, Payload: make([]byte, link.MaxChunk+1)})
	return false
}

// halfFrame dies within a frame.
func halfFrame(l *liar, f *link.Frame) bool {
	l.sayRaw(link.AppendFrame(nil, &link.Frame{Kind: link.Ready, Conn: f.Conn, Epoch: f.Epoch})[:25])
	for !l.outer.Drained() { // another goroutine may be writing it
		runtime.Gosched()
	}
	os.Exit(1)
	return false
}

func refuse(l *liar, f *link.Frame, _ []byte) bool {
	l.say(link.Frame{Kind: link.Ready, Flags: link.Refused, Conn: f.Conn, Epoch: f.Epoch, Payload: []byte("not my taste")})
	return false
}

// afterSome dies at the tenth COMMIT; it has read nothing.
func afterSome(l *liar, _ *link.Frame) bool {
	if l.seen++; l.seen == 10 {
		os.Exit(1)
	}
	return false
}

// first lets the first n READYs through, so that the move is not over before the
// lie is told.
func first(n int) hook {
	return func(l *liar, _ *link.Frame, _ []byte) bool {
		l.readied++
		return l.readied <= n
	}
}

// foreign meddles with connections that are not its own, or not any more, and
// then serves honestly.
func foreign(l *liar, f *link.Frame) bool {
	for _, id := range []uint64{f.Conn, f.Conn + 1, f.Conn + 7<<24, 0, 1<<64 - 1} {
		for epoch := range uint32(4) {
			if id == f.Conn && epoch == f.Epoch {
				continue
			}
			for _, kind := range []link.Kind{link.Data, link.Written, link.State, link.Close, link.Prepared, link.Ready} {
				l.outer.Append(&link.Frame{Kind: kind, Flags: link.Done, Conn: id, Epoch: epoch, Aux: 77, Stream: 77})
			}
		}
	}
	for range 1000 {
		l.outer.Append(&link.Frame{Kind: link.Data, Conn: f.Conn, Epoch: 1, Payload: make([]byte, 100)})
	}
	l.outer.Flush()
	return true
}

func tooMuchWritten(l *liar, f *link.Frame) bool {
	l.say(link.Frame{Kind: link.Written, Conn: f.Conn, Epoch: f.Epoch, N: 1 << 31, Aux: 1 << 40})
	return false
}

func beyondWindow(l *liar, f *link.Frame) bool {
	for i := range 100_000 {
		l.outer.Append(&link.Frame{Kind: link.Data, Conn: f.Conn, Epoch: f.Epoch, Aux: 1<<40 + uint64(i), Payload: []byte("!hold")})
	}
	l.outer.Flush()
	return false
}

// endlessMessage sends parts without an end: 256 MiB, and would go on.
func endlessMessage(l *liar, f *link.Frame) bool {
	if l.seen++; l.seen > 1 {
		return false
	}
	part := make([]byte, link.MaxChunk)
	for range 256 << 20 / link.MaxChunk {
		l.say(link.Frame{Kind: link.Data, Flags: link.More, Conn: f.Conn, Epoch: f.Epoch, Payload: part})
	}
	return false
}

func recordWith(spoil func(*pb.Record)) hook {
	return func(l *liar, f *link.Frame, _ []byte) bool {
		var r pb.Record
		_ = proto.Unmarshal(f.Payload, &r)
		spoil(&r)
		b, _ := proto.Marshal(&r)
		l.say(link.Frame{Kind: link.Prepared, Conn: f.Conn, Epoch: f.Epoch, Payload: b})
		return false
	}
}

func garbage(l *liar, f *link.Frame, _ []byte) bool {
	l.say(link.Frame{Kind: link.Prepared, Conn: f.Conn, Epoch: f.Epoch, Payload: []byte("\xff\xff\xff")})
	return false
}

// doneAtRest closes a connection that it has just let go of.
func doneAtRest(l *liar, f *link.Frame, raw []byte) bool {
	l.outer.AppendRaw(raw)
	l.say(link.Frame{Kind: link.Close, Flags: link.Done, Conn: f.Conn, Epoch: f.Epoch})
	return false
}

func byteSeven(l *liar, f *link.Frame) bool {
	b := link.AppendFrame(nil, &link.Frame{Kind: link.Close, Conn: f.Conn, Epoch: f.Epoch})
	b[7] = 1
	l.sayRaw(b)
	return false
}

func tooMuchAck(l *liar, f *link.Frame) bool {
	l.say(link.Frame{Kind: link.Ack, Conn: f.Conn, Epoch: f.Epoch, N: 100, Aux: 100})
	return true
}
