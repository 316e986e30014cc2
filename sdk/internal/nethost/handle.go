package nethost

import (
	"fmt"

	"github.com/netcore-go/netcore/sdk/link"
	pluginpb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
	"google.golang.org/protobuf/proto"
)

// Handle acts on one frame; see [part.Part].
func (h *Host) Handle(f *link.Frame) error {
	switch f.Kind {
	case link.Open:
		if f.Flags&link.Descriptor != 0 {
			return h.open(f)
		}
		return h.admitted(f)
	case link.Refuse:
		h.refused(f)
	case link.Offer:
		return h.offer(f)
	case link.Listen:
		return h.listen(f)
	case link.Data, link.Close, link.Ack, link.Prepare, link.Commit, link.Resume, link.Release:
		// One that is not in the table is late.
		if s := h.lookup(f.Conn); s != nil {
			return s.handle(f)
		}
	default:
		return fmt.Errorf("frame %v is not for a protocol", f.Kind)
	}
	return nil
}

// EndBatch flushes; see [part.Part].
func (h *Host) EndBatch() { h.env.Link.Flush() }

func (h *Host) lookup(number uint64) *session {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sessions[number]
}

// open takes a connection that the kernel has accepted.
func (h *Host) open(f *link.Frame) error {
	fd, err := h.receive(f)
	if err != nil {
		return err
	}
	o := new(pluginpb.Open)
	s, err := h.announced(f, o)
	if err == nil && h.stream == nil {
		err = fmt.Errorf("OPEN of connection %s with a descriptor, for a protocol over packets", s.ID())
	}
	if err != nil {
		discard(fd)
		return err
	}
	raw, err := connOf(fd)
	if err != nil {
		h.log.Warn("connection not taken", "connection", s.ID(), "error", err)
		s.reject(link.CauseInternal)
		return nil
	}
	s.conn = newConn(s, raw, o)
	if err := h.keep(s); err != nil {
		s.conn.release(false)
		return err
	}
	if !s.listener.push(s.conn, s.conn.local) {
		s.abandon(s.listener.goneCause())
	}
	return nil
}

// offer takes a connection of a predecessor.
func (h *Host) offer(f *link.Frame) error {
	fd, err := h.receive(f)
	if err != nil {
		return err
	}
	o := &pluginpb.Offer{}
	s, err := h.announced(f, o)
	if err != nil {
		discard(fd)
		return err
	}
	s.station = offered
	if reason := h.cannotAdopt(o); reason != "" {
		discard(fd)
		s.refuseOffer(reason)
		return nil
	}
	raw, err := connOf(fd)
	if err != nil {
		s.refuseOffer(err.Error())
		return nil
	}
	r := newResumedConn(s, raw, o)
	s.conn = r.conn
	if err := h.keep(s); err != nil {
		r.release(false)
		return err
	}
	s.watchOffer()
	if !s.listener.push(r, r.local) {
		s.refuseOffer("the listener is served no more")
	}
	return nil
}

// cannotAdopt says why an offer is refused, if it is.
func (h *Host) cannotAdopt(o *pluginpb.Offer) string {
	if h.stream == nil {
		return fmt.Sprintf("protocol %s cannot move connections", h.info.Name)
	}
	if v := o.GetRecord().GetVersion(); v != recordVersion {
		return fmt.Sprintf("record of version %d, want %d", v, recordVersion)
	}
	return ""
}

// announced parses the payload of OPEN or OFFER into m and returns the session
// that it announces.
func (h *Host) announced(f *link.Frame, m proto.Message) (*session, error) {
	if err := proto.Unmarshal(f.Payload, m); err != nil {
		return nil, fmt.Errorf("payload of %v: %w", f.Kind, err)
	}
	offer, _ := m.(*pluginpb.Offer)
	open, ok := m.(*pluginpb.Open)
	if !ok {
		open = offer.GetOpen()
	}
	id := link.FormatID(f.Conn)
	l := h.listeners[open.GetListener()]
	if l == nil {
		return nil, fmt.Errorf("%v of connection %s: listener %d is not configured", f.Kind, id, open.GetListener())
	}
	if open.GetWindowMessages() == 0 || open.GetWindowBytes() == 0 {
		return nil, fmt.Errorf("%v of connection %s without a window", f.Kind, id)
	}
	s := &session{host: h, listener: l, number: f.Conn, id: id, epoch: f.Epoch}
	s.window = window{
		messages: open.GetWindowMessages(), outMessages: offer.GetOutstandingMessages(),
		bytes: open.GetWindowBytes(), outBytes: offer.GetOutstandingBytes(),
	}
	return s, nil
}

// listen takes a packet socket.
func (h *Host) listen(f *link.Frame) error {
	fd, err := h.receive(f)
	if err != nil {
		return err
	}
	l := h.listeners[uint32(f.Stream)]
	if l == nil || h.packet == nil {
		discard(fd)
		return fmt.Errorf("LISTEN: listener %d is not one over packets", f.Stream)
	}
	pc, err := packetConnOf(fd)
	if err != nil {
		return fmt.Errorf("listener %s: %w", l.name(), err)
	}
	return l.listen(pc)
}

// receive returns the descriptor that came with f.
func (h *Host) receive(f *link.Frame) (int, error) {
	if f.Flags&link.Descriptor == 0 {
		return -1, fmt.Errorf("%v without a descriptor", f.Kind)
	}
	fd, err := h.env.Descriptors.Receive()
	if err != nil {
		return -1, fmt.Errorf("descriptor of %v: %w", f.Kind, err)
	}
	return fd, nil
}
