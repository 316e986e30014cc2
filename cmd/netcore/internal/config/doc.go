// Package config reads the operator's YAML file and turns it into what the
// kernel runs.
//
// What is configured, from weakest to strongest:
//
//  1. the value that a key's comment in default.yaml names, where the file is silent;
//  2. the file, or without a file the whole of default.yaml;
//  3. each --set key.path=value, from left to right.
//
// The file replaces default.yaml, it is not merged with it: a file without
// admin.listen has no such listener.
//
// Relative paths in a file start at the file's directory, those in --set and in
// default.yaml at the working directory.
//
// All errors of a file are reported at once, each with its position, the key's
// path and, where a name is unknown, the nearest one that is known.
package config
