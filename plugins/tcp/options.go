package tcp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/netcore-go/netcore/sdk"
)

const (
	defaultMaxMessage = 1 << 20
	// maxMaxMessage bounds what one peer can make the plugin hold in memory.
	maxMaxMessage = 64 << 20
)

// schema is the JSON Schema of the options. It cannot say that a size in words
// has the bounds of one in digits; parseOptions checks both.
const schema = `{
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "framing": {"type": "string", "enum": ["length32", "line", "raw"], "default": "length32"},
    "max_message": {
      "oneOf": [
        {"type": "integer", "minimum": 1, "maximum": 67108864},
        {"type": "string", "pattern": "^[0-9]+(B|KiB|MiB)?$"}
      ],
      "default": "1MiB"
    }
  }
}`

// A framing says where a message ends.
type framing string

const (
	framingLength32 framing = "length32"
	framingLine     framing = "line"
	framingRaw      framing = "raw"
)

var (
	optionKeys = []string{"framing", "max_message"}
	framings   = []framing{framingLength32, framingLine, framingRaw}
)

// options are those of one listener. The zero value is the default.
type options struct {
	framing    framing
	maxMessage int
}

// limit is the largest message, in bytes, that a peer may send.
func (o *options) limit() int {
	if o.maxMessage == 0 {
		return defaultMaxMessage
	}
	return o.maxMessage
}

func parseOptions(raw []byte) (options, error) {
	var o options
	if len(bytes.TrimSpace(raw)) == 0 {
		return o, nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return o, fmt.Errorf("options of tcp are not a JSON object: %w", err)
	}
	if err := checkKeys(fields); err != nil {
		return o, err
	}
	if value, ok := fields["framing"]; ok {
		if err := o.parseFraming(value); err != nil {
			return options{}, &sdk.OptionError{Field: "framing", Err: err}
		}
	}
	if value, ok := fields["max_message"]; ok {
		n, err := parseSize(value)
		if err != nil {
			return options{}, &sdk.OptionError{Field: "max_message", Err: err}
		}
		o.maxMessage = n
	}
	return o, nil
}

// checkKeys reports the first unknown key in alphabetical order, so that the
// same options always give the same error.
func checkKeys(fields map[string]json.RawMessage) error {
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		if !slices.Contains(optionKeys, key) {
			return &sdk.OptionError{
				Field: key,
				Err:   fmt.Errorf("unknown; the nearest known option is %q", nearest(key, optionKeys)),
			}
		}
	}
	return nil
}

func (o *options) parseFraming(value json.RawMessage) error {
	f, ok := jsonString(value)
	if !ok {
		return errors.New("want a string")
	}
	if !slices.Contains(framings, framing(f)) {
		return fmt.Errorf("unknown framing %q; want length32, line or raw", f)
	}
	o.framing = framing(f)
	return nil
}

// jsonString is value if it is a string; null is none.
func jsonString(value json.RawMessage) (string, bool) {
	if !strings.HasPrefix(string(value), `"`) {
		return "", false
	}
	var s string
	err := json.Unmarshal(value, &s)
	return s, err == nil
}
