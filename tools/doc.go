// Package tools pins what netcore is developed with and tested by, so that the
// product's own go.mod stays clean: staticcheck and the generators of
// sdk/pluginpb, as tool dependencies of this module. make verify builds them
// into bin/tools.
//
//	need      makes sure that programs of the system are there
//	generate  writes sdk/pluginpb anew, or checks that it is up to date
//	fuzz      runs each fuzz test of the product for a while
package tools
