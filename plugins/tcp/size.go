package tcp

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// sizeUnits are what a size in words may end in; longer suffixes come first,
// since all end in B.
var sizeUnits = []struct {
	suffix string
	bytes  int64
}{
	{"KiB", 1 << 10},
	{"MiB", 1 << 20},
	{"B", 1},
	{"", 1},
}

// parseSize reads a number of bytes, 4096, or a string with a unit, "4KiB".
func parseSize(value json.RawMessage) (int, error) {
	text, ok := jsonString(value)
	if !ok {
		text = string(value)
		if _, err := strconv.ParseInt(text, 10, 64); err != nil {
			return 0, errors.New(`want a number of bytes or a string such as "64KiB"`)
		}
	}
	n, err := parseSizeText(text)
	if err != nil {
		return 0, err
	}
	if n < 1 || n > maxMaxMessage {
		return 0, fmt.Errorf("%s is out of range; want 1 byte to 64MiB", text)
	}
	return int(n), nil
}

// parseSizeText stops counting above maxMaxMessage, so that it cannot overflow.
func parseSizeText(text string) (int64, error) {
	for _, unit := range sizeUnits {
		digits, ok := strings.CutSuffix(text, unit.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil {
			break
		}
		if n > maxMaxMessage {
			return maxMaxMessage + 1, nil
		}
		return n * unit.bytes, nil
	}
	return 0, fmt.Errorf("size %q is not understood; want digits and B, KiB or MiB", text)
}
