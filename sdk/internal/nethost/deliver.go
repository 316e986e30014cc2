package nethost

import (
	"context"
	"fmt"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/link"
)

// maxHeaders is what is left of the first frame of a message, in bytes.
const maxHeaders = link.MaxFrame - link.HeaderSize - link.MaxChunk

// Deliver hands m to the kernel; see [sdk.Session]. Besides a shut window it
// waits while the connection is on its way to or from another instance.
func (s *session) Deliver(ctx context.Context, m sdk.Message) error {
	headers := link.AppendHeaders(nil, m.Headers)
	if len(headers) > maxHeaders {
		return fmt.Errorf("%d bytes of headers: %w", len(headers), sdk.ErrTooLarge)
	}
	s.mu.Lock()
	if err := s.admitLocked(ctx); err != nil {
		s.mu.Unlock()
		return err
	}
	s.window.take(len(m.Data))
	s.messageLocked(m, headers)
	s.mu.Unlock()
	s.host.env.Link.FlushLater()
	return nil
}

// admitLocked waits, with the lock given up, until a message may be sent.
func (s *session) admitLocked(ctx context.Context) error {
	for {
		switch {
		case s.ended:
			return sdk.ErrClosed
		case s.station == live && s.window.open():
			return nil
		}
		if s.changed == nil {
			s.changed = make(chan struct{})
		}
		changed := s.changed
		blocked := !s.window.open()
		if blocked {
			// Quiesce may be waiting for this call, which waits for answers
			// that the kernel keeps until the move is over.
			s.blocked++
			s.attempt.giveUp()
		}
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		s.mu.Lock()
		if blocked {
			s.blocked--
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// messageLocked queues the frames of m. Nothing comes between them, since the
// lock is held.
func (s *session) messageLocked(m sdk.Message, headers []byte) {
	f := link.Frame{Kind: link.Data, Type: uint8(m.Type), Stream: m.Stream(), Headers: headers}
	rest := m.Data
	for len(rest) > link.MaxChunk {
		f.Flags, f.Payload, rest = link.More, rest[:link.MaxChunk], rest[link.MaxChunk:]
		s.emitLocked(f)
		f.Headers = nil
	}
	f.Flags, f.Payload = 0, rest
	s.emitLocked(f)
}
