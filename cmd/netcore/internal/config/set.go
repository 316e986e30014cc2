package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// override changes the tree below root as one --set flag says. It returns the
// nodes that the flag has brought in, so that errors can name the flag.
//
// The path's words are keys; in a list they are an index, the name of an entry,
// or the list's length to append one. The value is YAML.
func override(root *yaml.Node, flag string) ([]*yaml.Node, error) {
	path, text, ok := strings.Cut(flag, "=")
	if !ok || path == "" {
		return nil, errors.New("write it as key.path=value")
	}
	value, err := parseValue(text)
	if err != nil {
		return nil, err
	}
	added := collect(nil, value)
	at := root
	words := strings.Split(path, ".")
	for i, word := range words {
		if word == "" {
			return nil, errors.New("the path has an empty word")
		}
		next, created, err := step(at, word)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", strings.Join(words[:i+1], "."), err)
		}
		added = append(added, created...)
		at = next
	}
	*at = *value
	return append(added, at), nil
}

// parseValue reads what stands behind the equals sign.
func parseValue(text string) (*yaml.Node, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return nil, fmt.Errorf("the value is not YAML: %s", yamlLine.ReplaceAllString(err.Error(), ""))
	}
	if doc.Kind == 0 {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str"}, nil
	}
	return doc.Content[0], nil
}

// step returns the node that word leads to from n, which it makes if it is not
// there, and what it made.
func step(n *yaml.Node, word string) (next *yaml.Node, created []*yaml.Node, err error) {
	if isNull(n) {
		n.Kind, n.Tag, n.Value = yaml.MappingNode, "!!map", ""
	}
	switch n.Kind {
	case yaml.MappingNode:
		next, created = stepMapping(n, word)
		return next, created, nil
	case yaml.SequenceNode:
		return stepList(n, word)
	case yaml.AliasNode:
		return nil, nil, errors.New("cannot be set behind an alias")
	}
	return nil, nil, errors.New("is below a value that has no keys")
}

func stepMapping(n *yaml.Node, word string) (*yaml.Node, []*yaml.Node) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == word {
			return n.Content[i+1], nil
		}
	}
	key := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: word}
	value := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	n.Content = append(n.Content, key, value)
	return value, []*yaml.Node{key, value}
}

func stepList(n *yaml.Node, word string) (*yaml.Node, []*yaml.Node, error) {
	if i := slices.IndexFunc(n.Content, func(item *yaml.Node) bool { return named(item, word) }); i >= 0 {
		return n.Content[i], nil, nil
	}
	i, err := strconv.Atoi(word)
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("no entry of the list has the name %s", quote(word))
	case i < 0 || i > len(n.Content):
		return nil, nil, fmt.Errorf("the list has %d entries, counted from 0", len(n.Content))
	case i < len(n.Content):
		return n.Content[i], nil, nil
	}
	item := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	n.Content = append(n.Content, item)
	return item, []*yaml.Node{item}, nil
}

// named reports whether a list's entry is a section with the name.
func named(item *yaml.Node, name string) bool {
	if item.Kind != yaml.MappingNode {
		return false
	}
	for i := 0; i+1 < len(item.Content); i += 2 {
		if item.Content[i].Value == "name" && item.Content[i+1].Value == name {
			return true
		}
	}
	return false
}

// collect appends n and all below it. A value's aliases point into itself.
func collect(nodes []*yaml.Node, n *yaml.Node) []*yaml.Node {
	nodes = append(nodes, n)
	for _, child := range n.Content {
		nodes = collect(nodes, child)
	}
	return nodes
}
