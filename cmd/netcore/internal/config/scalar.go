package config

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A size is a number of bytes.
type size int64

// units are the suffixes of a size, the longer before those that they end in.
var units = [...]struct {
	suffix string
	bytes  int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30},
	{"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9},
	{"B", 1},
}

// parseSize reads a whole number with a unit.
func parseSize(text string) (size, error) {
	for _, u := range units {
		digits, ok := strings.CutSuffix(text, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		switch {
		case err != nil:
			return 0, fmt.Errorf("%s is no size, such as 64KiB or 1MiB", quote(text))
		case n < 0:
			return 0, errNegative
		case n > math.MaxInt64/u.bytes:
			return 0, fmt.Errorf("%s is too large", quote(text))
		}
		return size(n * u.bytes), nil
	}
	if text == "0" {
		return 0, nil
	}
	if _, err := strconv.ParseInt(text, 10, 64); err == nil {
		return 0, fmt.Errorf("the size %s has no unit: write %sB or, for example, 1MiB", shorten(text), shorten(text))
	}
	return 0, fmt.Errorf("%s is no size, such as 64KiB or 1MiB", quote(text))
}

// parseDuration is time.ParseDuration with errors that tell what to write.
func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		if _, numeric := strconv.ParseFloat(text, 64); numeric == nil {
			return 0, fmt.Errorf("the duration %s has no unit: write %ss or, for example, 5m", shorten(text), shorten(text))
		}
		return 0, fmt.Errorf("%s is no duration, such as 500ms, 30s, 5m or 1h30m", quote(text))
	}
	if d < 0 {
		return 0, errNegative
	}
	return d, nil
}

// parseInt reads a whole number as YAML writes it.
func parseInt(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 0, strconv.IntSize)
	if err != nil {
		return 0, fmt.Errorf("%s is no whole number or too large", quote(text))
	}
	if n < 0 {
		return 0, errNegative
	}
	return n, nil
}

// checkWord reports a word that is not in the space-separated list words. No
// list allows all words.
func checkWord(word, words string) error {
	if words == "" {
		return nil
	}
	allowed := strings.Fields(words)
	if slices.Contains(allowed, word) {
		return nil
	}
	return fmt.Errorf("%s is not known%s", quote(word), suggest(word, allowed))
}

var errNegative = errors.New("must not be negative")
