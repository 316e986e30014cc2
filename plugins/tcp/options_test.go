package tcp_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/netcore-go/netcore/plugins/tcp"
	"github.com/netcore-go/netcore/sdk"
)

func TestOptions(t *testing.T) {
	for _, options := range []string{
		``, ` `, `null`, `{}`,
		`{"framing": "length32"}`, `{"framing": "line"}`, `{"framing": "raw"}`,
		`{"max_message": 1}`, `{"max_message": 67108864}`,
		`{"max_message": "1"}`, `{"max_message": "512B"}`, `{"max_message": "64KiB"}`, `{"max_message": "64MiB"}`,
	} {
		if _, err := withOptions(options); err != nil {
			t.Errorf("WithOptions(%s): %v", options, err)
		}
	}
}

func TestOptionErrors(t *testing.T) {
	tests := []struct {
		name    string
		options string
		field   string // empty: the whole is wrong
		text    string // part of the error
	}{
		{"no object", `[1]`, "", "JSON object"},
		{"no JSON", `{`, "", "JSON object"},
		{"unknown key", `{"frameing": "line"}`, "frameing", `"framing"`},
		{"other unknown key", `{"max": 1, "framing": "line"}`, "max", `"max_message"`},
		{"empty key", `{"": 1}`, "", `nearest known option is "framing"`},
		{"first of two unknown keys", `{"b": 1, "a": 1}`, "a", "unknown"},
		{"unknown framing", `{"framing": "varint"}`, "framing", "length32, line or raw"},
		{"framing no string", `{"framing": 32}`, "framing", "want a string"},
		{"framing null", `{"framing": null}`, "framing", "want a string"},
		{"size zero", `{"max_message": 0}`, "max_message", "out of range"},
		{"size negative", `{"max_message": -1}`, "max_message", "out of range"},
		{"size above cap", `{"max_message": 67108865}`, "max_message", "out of range"},
		{"size above cap in words", `{"max_message": "65MiB"}`, "max_message", "out of range"},
		{"size that overflows", `{"max_message": "9223372036854775807MiB"}`, "max_message", "out of range"},
		{"size fraction", `{"max_message": 1.5}`, "max_message", "number of bytes"},
		{"size null", `{"max_message": null}`, "max_message", "number of bytes"},
		{"size unit", `{"max_message": "1GiB"}`, "max_message", "KiB or MiB"},
		{"size empty", `{"max_message": ""}`, "max_message", "not understood"},
		{"size unit only", `{"max_message": "KiB"}`, "max_message", "not understood"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := withOptions(tt.options)
			if err == nil || !strings.Contains(err.Error(), tt.text) {
				t.Fatalf("WithOptions() error = %v, want one with %q", err, tt.text)
			}
			var option *sdk.OptionError
			if errors.As(err, &option) && option.Field != tt.field || option == nil && tt.field != "" {
				t.Errorf("option = %+v, want field %q", option, tt.field)
			}
		})
	}
}

func withOptions(options string) (sdk.StreamProtocol, error) {
	return tcp.New().(sdk.StreamConfigurer).WithOptions([]byte(options))
}

// TestDefaults: no options, empty ones and the zero Protocol take 1 MiB and no more.
func TestDefaults(t *testing.T) {
	empty, err := withOptions("")
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]sdk.StreamProtocol{"New": tcp.New(), "empty": empty, "zero": &tcp.Protocol{}} {
		s := sdk.NewStream(nil, nil, nil)
		c, err := p.Open(s)
		if err != nil {
			t.Fatalf("%s: Open: %v", name, err)
		}
		if _, _, _, err := c.Decode(s, []byte{0, 0x10, 0, 0}); err != nil {
			t.Errorf("%s: Decode of 1 MiB: %v", name, err)
		}
		if _, _, _, err := c.Decode(s, []byte{0, 0x10, 0, 1}); !errors.Is(err, sdk.ErrTooLarge) {
			t.Errorf("%s: Decode of 1 MiB + 1: %v, want %v", name, err, sdk.ErrTooLarge)
		}
	}
}

func TestInfo(t *testing.T) {
	info := tcp.New().Info()
	if info.Name != "tcp" || info.Network != "tcp" || info.Streams {
		t.Errorf("Info() = %+v, want tcp over tcp without streams", info)
	}
	if !json.Valid([]byte(info.Schema)) {
		t.Errorf("Schema is no JSON: %s", info.Schema)
	}
}
