// Package kernel is the part of netcore that never changes while everything
// else does: sockets, connection table, message switch, plugin supervision.
package kernel
