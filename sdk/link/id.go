package link

import (
	"fmt"
	"strconv"
)

// FormatID returns the ID of the connection of that number, as users see it:
// the number in lower-case hexadecimal.
func FormatID(number uint64) string { return strconv.FormatUint(number, 16) }

// ParseID is the inverse of FormatID. It takes no other form of a number, so
// that a connection has one ID.
func ParseID(id string) (uint64, error) {
	n, err := strconv.ParseUint(id, 16, 64)
	if err != nil || n == 0 || FormatID(n) != id {
		return 0, fmt.Errorf("connection ID %q is no number in lower-case hexadecimal", id)
	}
	return n, nil
}
