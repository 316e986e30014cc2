package config

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"go.yaml.in/yaml/v3"
)

const (
	maxDepth = 64      // of nested sections, aliases included
	maxNodes = 100_000 // in a file, each alias counted as all that it stands for
)

// A decoder fills a value of the schema from a tree of YAML nodes. It goes on
// after an error, so that all are found at once.
type decoder struct {
	source string
	flags  map[*yaml.Node]string // nodes that came from --set
	at     map[string]*yaml.Node // the value of each key path that is set
	errs   Errors
	nodes  int
	full   bool // maxNodes or maxDepth is exceeded, and reported
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	sizeType     = reflect.TypeFor[size]()
	objectType   = reflect.TypeFor[json.RawMessage]()
)

// value decodes n into v, which is settable. words is the oneof tag.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path, words string, depth int) {
	n, ok := d.enter(n, path, depth)
	if !ok {
		return
	}
	d.at[path] = n
	switch {
	case v.Type() == objectType:
		d.object(n, v, path, depth)
	case v.Kind() == reflect.Struct:
		d.section(n, v, path, depth)
	case v.Kind() == reflect.Map:
		d.mapping(n, v, path, depth)
	case v.Kind() == reflect.Slice:
		d.list(n, v, path, words, depth)
	default:
		d.scalar(n, v, path, words)
	}
}

// enter counts a node, looks behind an alias, and says whether to go on.
func (d *decoder) enter(n *yaml.Node, path string, depth int) (*yaml.Node, bool) {
	if d.full {
		return n, false
	}
	d.nodes++
	if depth > maxDepth || d.nodes > maxNodes {
		d.full = true
		d.fail(n, path, "the configuration is too large or too deep here")
		return n, false
	}
	for hops := 0; n.Kind == yaml.AliasNode; hops++ {
		if n.Alias == nil || hops > maxDepth {
			d.fail(n, path, "the alias stands for nothing")
			return n, false
		}
		n = n.Alias
	}
	return n, true
}

func (d *decoder) section(n *yaml.Node, v reflect.Value, path string, depth int) {
	fields, names := fieldsOf(v.Type())
	d.pairs(n, path, func(key, value *yaml.Node) {
		f, ok := fields[key.Value]
		if !ok {
			d.fail(key, join(path, key.Value), "unknown key"+suggest(key.Value, names))
			return
		}
		d.value(value, v.FieldByIndex(f.Index), join(path, key.Value), f.Tag.Get("oneof"), depth+1)
	})
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, path string, depth int) {
	v.Set(reflect.MakeMap(v.Type()))
	d.pairs(n, path, func(key, value *yaml.Node) {
		item := reflect.New(v.Type().Elem()).Elem()
		d.value(value, item, join(path, key.Value), "", depth+1)
		v.SetMapIndex(reflect.ValueOf(key.Value), item)
	})
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, path, words string, depth int) {
	if isNull(n) {
		return
	}
	if n.Kind != yaml.SequenceNode {
		d.fail(n, path, "must be a list, is "+kindOf(n))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		d.value(item, v.Index(i), fmt.Sprintf("%s[%d]", path, i), words, depth+1)
	}
}

// pairs calls f for each key of a mapping, and reports what is no key of one.
// An empty section, of which all is commented out, is a mapping without keys.
func (d *decoder) pairs(n *yaml.Node, path string, f func(key, value *yaml.Node)) {
	if isNull(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.fail(n, path, "must be a section of keys and values, is "+kindOf(n))
		return
	}
	lines := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode || key.ShortTag() == "!!merge" {
			d.fail(key, path, "a key must be a plain word; merging with << is not supported")
			continue
		}
		if line, ok := lines[key.Value]; ok {
			d.fail(key, join(path, key.Value), fmt.Sprintf("the key is already in line %d", line))
			continue
		}
		lines[key.Value] = key.Line
		f(key, n.Content[i+1])
	}
}

func (d *decoder) scalar(n *yaml.Node, v reflect.Value, path, words string) {
	if err := setScalar(n, v, words); err != nil {
		d.fail(n, path, err.Error())
	}
}

func setScalar(n *yaml.Node, v reflect.Value, words string) error {
	if isNull(n) {
		return fmt.Errorf("has no value: write one, or leave the key out")
	}
	want := wanted(v.Type())
	if n.Kind != yaml.ScalarNode {
		return fmt.Errorf("must be %s, is %s", want, kindOf(n))
	}
	switch tag := n.ShortTag(); {
	case v.Type() == durationType && (tag == "!!str" || tag == "!!int" || tag == "!!float"):
		parsed, err := parseDuration(n.Value)
		v.SetInt(int64(parsed))
		return err
	case v.Type() == sizeType && (tag == "!!str" || tag == "!!int"):
		parsed, err := parseSize(n.Value)
		v.SetInt(int64(parsed))
		return err
	case v.Kind() == reflect.Int && tag == "!!int":
		parsed, err := parseInt(n.Value)
		v.SetInt(parsed)
		return err
	case v.Kind() == reflect.String && tag == "!!str":
		err := checkWord(n.Value, words)
		if err == nil {
			v.SetString(n.Value)
		}
		return err
	case v.Kind() == reflect.String && scalarTag(tag):
		return fmt.Errorf("must be %s, is %s: write it in quotes", want, kindOf(n))
	}
	return fmt.Errorf("must be %s, is %s", want, kindOf(n))
}

// fail records an error at a node.
func (d *decoder) fail(n *yaml.Node, path, message string) {
	e := Error{Source: d.source, Line: n.Line, Column: n.Column, Key: shorten(path), Message: message}
	if flag, ok := d.flags[n]; ok {
		e.Source, e.Line, e.Column = flag, 0, 0
	}
	d.errs = append(d.errs, e)
}
