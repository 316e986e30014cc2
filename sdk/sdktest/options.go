package sdktest

import (
	"testing"

	"github.com/netcore-go/netcore/sdk"
)

// Options say what a suite needs to know about a protocol. The kernel echoes
// each message, so that what a client gets follows from what it sends.
type Options struct {
	// New returns the plugin anew; it has one part, that of the suite. For
	// checks in the test's own process.
	New func() sdk.Plugin
	// Command is the executable of the plugin and its arguments, and Env
	// variables in addition to the test's own. If Command is empty, no check
	// runs with a process.
	Command []string
	Env     []string
	// Listener is the listener's options: JSON, or nothing.
	Listener []byte

	// Messages are what a client sends, in this order; at least two, short
	// ones: streams are cut at every byte of them.
	Messages []sdk.Message
	// Encode returns what a client writes to send m: for a packet protocol a
	// datagram.
	Encode func(m sdk.Message) []byte
	// Reply returns what a client gets when m is sent back to it. If nil, Encode.
	Reply func(m sdk.Message) []byte
	// Unframed says that messages have no boundaries: any part of the stream
	// may come as one.
	Unframed bool

	// Hello is what a client writes before its first message, and Welcome what
	// it gets. Both may be empty.
	Hello, Welcome []byte
	// Ping is what a client writes that the protocol answers itself, with
	// Pong. Both may be empty.
	Ping, Pong []byte
	// Malformed are inputs, each of which ends its connection, with an error;
	// a packet protocol ignores them.
	Malformed [][]byte
	// Overlong is an input that begins a message far longer than what may be
	// sent. It ends its connection with an error, and before memory is taken
	// for the message.
	Overlong []byte
}

// A check is one subtest of the suites of protocols.
type check struct {
	name string
	run  func(w *wire)
}

// A wire is what a check works with: a kernel, and how to start plugins.
type wire struct {
	*testing.T
	o       *Options
	carrier Carrier
	k       *Kernel
}

// run runs checks with each carrier that o allows.
func run(t *testing.T, o Options, local, all []check) {
	t.Helper()
	if len(o.Messages) < 2 || o.New == nil || o.Encode == nil {
		t.Fatal("sdktest.Options: New, Encode and two Messages must be set")
	}
	if o.Reply == nil {
		o.Reply = o.Encode
	}
	for _, carrier := range carriers(o.Command) {
		t.Run(carrier.String(), func(t *testing.T) {
			checks := all
			if carrier == Memory {
				checks = append(checks[:len(checks):len(checks)], local...)
			}
			for _, c := range checks {
				t.Run(c.name, func(t *testing.T) {
					c.run(&wire{T: t, o: &o, carrier: carrier, k: NewKernel(t)})
				})
			}
		})
	}
}

func carriers(command []string) []Carrier {
	if len(command) == 0 {
		return []Carrier{Memory}
	}
	return []Carrier{Memory, Unix, GRPC}
}

// start starts an instance of the plugin.
func (w *wire) start() *Instance {
	w.Helper()
	return w.startAs(w.o.New())
}

// startAs is start, with another plugin in this process.
func (w *wire) startAs(p sdk.Plugin) *Instance {
	w.Helper()
	return w.k.Start(Spec{Plugin: p, Command: w.o.Command, Env: w.o.Env, Carrier: w.carrier, Options: w.o.Listener})
}

// script is what a client writes to say hello and send all messages n times,
// and what it gets.
func (w *wire) script(n int) (in, out []byte) {
	in, out = append(in, w.o.Hello...), append(out, w.o.Welcome...)
	for range n {
		for _, m := range w.o.Messages {
			in, out = append(in, w.o.Encode(m)...), append(out, w.o.Reply(m)...)
		}
	}
	return in, out
}
