package config

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"

	"go.yaml.in/yaml/v3"
)

// object decodes a section whose keys only a plugin knows into a JSON object.
func (d *decoder) object(n *yaml.Node, v reflect.Value, path string, depth int) {
	if isNull(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.fail(n, path, "must be a section of keys and values, is "+kindOf(n))
		return
	}
	before := len(d.errs)
	out := d.appendJSON(nil, n, path, depth)
	if len(d.errs) == before {
		v.SetBytes(out)
	}
}

// appendJSON appends n as JSON, with keys in the order of the file. What it
// appends after an error is not JSON.
func (d *decoder) appendJSON(out []byte, n *yaml.Node, path string, depth int) []byte {
	n, ok := d.enter(n, path, depth)
	if !ok {
		return out
	}
	switch n.Kind {
	case yaml.MappingNode:
		return d.appendObject(out, n, path, depth)
	case yaml.SequenceNode:
		return d.appendArray(out, n, path, depth)
	}
	text, err := scalarJSON(n)
	if err != nil {
		d.fail(n, path, err.Error())
	}
	return append(out, text...)
}

func (d *decoder) appendObject(out []byte, n *yaml.Node, path string, depth int) []byte {
	out = append(out, '{')
	first := true
	d.pairs(n, path, func(key, value *yaml.Node) {
		if !first {
			out = append(out, ',')
		}
		first = false
		name, err := json.Marshal(key.Value)
		if err != nil {
			d.fail(key, path, err.Error())
			return
		}
		out = append(append(out, name...), ':')
		out = d.appendJSON(out, value, join(path, key.Value), depth+1)
	})
	return append(out, '}')
}

func (d *decoder) appendArray(out []byte, n *yaml.Node, path string, depth int) []byte {
	out = append(out, '[')
	for i, item := range n.Content {
		if i > 0 {
			out = append(out, ',')
		}
		out = d.appendJSON(out, item, fmt.Sprintf("%s[%d]", path, i), depth+1)
	}
	return append(out, ']')
}

// scalarJSON is a plain value as JSON. A date stays the text that it is in the file.
func scalarJSON(n *yaml.Node) ([]byte, error) {
	switch n.ShortTag() {
	case "!!str", "!!timestamp":
		return json.Marshal(n.Value)
	case "!!null":
		return []byte("null"), nil
	case "!!int", "!!float", "!!bool":
		var v any
		if err := n.Decode(&v); err != nil {
			return nil, fmt.Errorf("cannot read %s", kindOf(n))
		}
		if f, ok := v.(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
			return nil, fmt.Errorf("%s cannot be given to a plugin", kindOf(n))
		}
		return json.Marshal(v)
	}
	return nil, fmt.Errorf("%s is not supported here", kindOf(n))
}
