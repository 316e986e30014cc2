// Package sdk is the vocabulary that netcore and its plugins share.
//
// A netcore server is a small kernel and a number of plugins, each a process of
// its own (or, when embedded, a part of the same process):
//
//	          accept             fd + OPEN               frames                frames
//	client ─────────▶ kernel ─────────────▶ protocol ◀──────────▶ kernel ◀──────────▶ handler
//	  ▲               (keeps a copy           plugin               switch               plugin
//	  │                of the fd)               │
//	  └────────────── read / write ─────────────┘
//
// A protocol plugin turns bytes into [Message] values and back. It takes one of
// three shapes:
//
//   - a [StreamProtocol] is a codec without I/O over a byte stream (tcp, ws, http, rpc);
//   - a [Protocol] brings its own server loop over a net.Listener (grpc);
//   - a [PacketProtocol] brings its own server loop over a net.PacketConn (udp, kcp).
//
// A handler plugin is the application: a [MessageHandler]. What it wants to keep
// for a connection it puts into the connection's context, which lives in the
// kernel, so that its successor finds it after a swap or a crash.
//
// Abilities beyond that are small interfaces that a value may also implement:
//
//	codecs     StateSaver, Pinger, Closer, ReplyEnder; StreamConfigurer of their protocol
//	peers      Quiescer; OptionChecker of their protocol
//	handlers   Starter, Configurer, Inline, Mover, Resumer
//
// The values are the same in process and as a plugin; package sdk/plugin turns
// them into a process, and package sdk/sdktest has the suites that each must pass.
// What passes between kernel and plugin is in sdk/pluginpb/v1 (plugin.proto for
// calls, FRAMES.md for messages) and concerns only those who do without sdk/plugin.
//
// This package imports the standard library only.
package sdk
