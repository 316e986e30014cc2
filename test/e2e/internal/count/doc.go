// Package count has clients of an echo server that lose sight of nothing: each
// message says which connection it belongs to and where in its order it stands,
// and carries a checksum, so that one which is lost, doubled, out of order,
// changed, or on the wrong connection is found and named.
package count
