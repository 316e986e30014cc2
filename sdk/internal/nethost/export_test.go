package nethost

import "time"

// SetLimits replaces the bounds of PREPARE and OFFER.
func (h *Host) SetLimits(quiesce, adopt time.Duration) { h.quiesce, h.adopt = quiesce, adopt }

// Waiting reports whether a Deliver of the connection waits.
func (h *Host) Waiting(number uint64) bool {
	s := h.lookup(number)
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed != nil
}
