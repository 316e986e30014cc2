// Package admission decides, before a plugin sees a connection, whether there
// is room for it: in the server, on its listener, and for its source. It also
// knows how many connections the limit on open files leaves room for.
package admission
