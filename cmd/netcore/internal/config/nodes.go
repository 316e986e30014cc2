package config

import (
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// fieldsOf returns a struct's keys, also those of structs embedded in it, and
// their names in the order of the schema.
func fieldsOf(t reflect.Type) (map[string]reflect.StructField, []string) {
	fields := make(map[string]reflect.StructField)
	var names []string
	for _, f := range reflect.VisibleFields(t) {
		if key := f.Tag.Get("yaml"); key != "" {
			fields[key] = f
			names = append(names, key)
		}
	}
	return fields, names
}

// join appends a key to a path. A key that would make the path ambiguous is quoted.
func join(path, key string) string {
	if key == "" || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' || r == '.' || r == '[' }) {
		key = quote(key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// isNull reports a value that was left out, or the word null.
func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

// scalarTag reports the tags of plain values that are not text.
func scalarTag(tag string) bool {
	switch tag {
	case "!!int", "!!float", "!!bool", "!!timestamp":
		return true
	}
	return false
}

// kindOf names what a node is, for errors.
func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a section"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.ShortTag() {
	case "!!str":
		return "the text " + quote(n.Value)
	case "!!null":
		return "nothing"
	case "!!int", "!!float":
		return "the number " + shorten(n.Value)
	case "!!bool":
		return "the truth value " + shorten(n.Value)
	case "!!timestamp":
		return "the date " + shorten(n.Value)
	}
	return "a value tagged " + quote(n.Tag)
}

// wanted names what a scalar of the schema must be, for errors.
func wanted(t reflect.Type) string {
	switch {
	case t == durationType:
		return "a duration, such as 30s"
	case t == sizeType:
		return "a size, such as 1MiB"
	case t.Kind() == reflect.Int:
		return "a whole number"
	}
	return "text"
}
