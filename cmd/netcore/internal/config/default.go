package config

import _ "embed" // default.yaml

// DefaultName stands for the file's name in errors of default.yaml.
const DefaultName = "(default configuration)"

//go:embed default.yaml
var defaultYAML string

// DefaultYAML is what netcore run without a file serves, with a comment for each
// key that there is.
func DefaultYAML() string { return defaultYAML }
