// Package bench compares netcore with other servers, side by side in one run.
//
//	cmd/compare    starts each server, makes load on it and writes a table
//	cmd/stdecho    a goroutine per connection on package net
//	cmd/gnetecho   gnet's event loops
//	cmd/inprocecho netcore's kernel with both plugins in one process
//
// It is a module of its own, so that netcore does not depend on its rivals. Run
// it with make bench, or here with go run ./cmd/compare.
package bench
