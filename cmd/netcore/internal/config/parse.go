package config

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// parse reads the one document of a file. An empty file is an empty section.
func parse(source string, data []byte) (*yaml.Node, Errors) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	switch err := decoder.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: 1, Column: 1}, nil
	case err != nil:
		return nil, Errors{syntaxError(source, data, err)}
	}
	var second yaml.Node
	switch err := decoder.Decode(&second); {
	case err == nil:
		return nil, Errors{{Source: source, Line: second.Line, Column: second.Column,
			Message: "a second YAML document: a configuration is one document"}}
	case !errors.Is(err, io.EOF):
		return nil, Errors{syntaxError(source, data, err)}
	}
	root := doc.Content[0]
	if isNull(root) {
		root = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: 1, Column: 1}
	}
	return root, nil
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// syntaxError gives the parser's error a position. The parser knows the line
// only; the column is where the line's text begins.
func syntaxError(source string, data []byte, err error) Error {
	e := Error{Source: source, Line: 1, Column: 1}
	text := strings.SplitN(err.Error(), "\n", 2)[0]
	if match := yamlLine.FindStringSubmatch(text); match != nil {
		text = text[len(match[0]):]
		if n, err := strconv.Atoi(match[1]); err == nil {
			e.Line = n
		}
	}
	// Unlike its scanner, the library's parser counts lines from 0, and mostly
	// names the line where the block with the error begins.
	if e.Line > 0 && strings.HasPrefix(text, "did not find expected") {
		if strings.Contains(err.Error(), "line ") {
			e.Line++
		}
		text += " here or in the block that begins here: is a line indented wrongly?"
	}
	lines := strings.Split(string(data), "\n")
	if e.Line <= len(lines) {
		line := lines[e.Line-1]
		e.Column += len(line) - len(strings.TrimLeft(line, " \t"))
	}
	e.Message = "not YAML: " + text
	return e
}
