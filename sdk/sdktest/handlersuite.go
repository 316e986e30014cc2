package sdktest

import (
	"testing"

	"github.com/netcore-go/netcore/sdk"
)

// HandlerOptions say what a suite needs to know about a handler.
type HandlerOptions struct {
	// New returns the handler anew. For checks in the test's own process.
	New func() sdk.MessageHandler
	// Command is the executable of the plugin and its arguments, and Env
	// variables in addition to the test's own. If Command is empty, no check
	// runs with a process.
	Command []string
	Env     []string
	// Config is the handler's config: JSON, or nothing.
	Config []byte

	// Greeting is what a new client hears before it has said anything.
	Greeting []string
	// Talk is what the n-th client says, and what it hears for it, whichever
	// other clients there are. At least two turns, together with at least two
	// messages to the client; the client is connected at the end.
	Talk func(n int) []Turn
	// Ignore says that a message to a client is not an answer to what it has
	// said: what others do makes it come. It may be nil.
	Ignore func(data string) bool
}

// A Turn is what a client says, and the messages that it hears then.
type Turn struct {
	Say  sdk.Message
	Hear []string
}

// A handlerCheck is one subtest of TestHandler.
type handlerCheck struct {
	name string
	run  func(h *talk)
}

// A talk is what a check works with.
type talk struct {
	*testing.T
	o       *HandlerOptions
	carrier Carrier
	k       *Kernel
	spy     *spy // around the handler that was started last, in this process
}

// TestHandler checks an [sdk.MessageHandler].
func TestHandler(t *testing.T, o HandlerOptions) {
	t.Helper()
	if o.New == nil || o.Talk == nil || len(o.Talk(0)) < 2 {
		t.Fatal("sdktest.HandlerOptions: New and Talk with two turns must be set")
	}
	all := []handlerCheck{
		{"OrderPerConnection", orderPerConnection},
		{"ConnectBeforeMessage", connectBeforeMessage},
		{"DisconnectOnce", disconnectOnce},
		{"ContextSurvivesMove", contextSurvivesMove},
		{"AckAfterReturn", ackAfterReturn},
		{"WindowBlocksSend", windowBlocksSend},
		{"CrashResume", crashResume},
		{"StaleEpochIgnored", handlerIgnoresStale},
		{"StopsCleanly", handlerStopsCleanly},
	}
	local := []handlerCheck{
		{"SendAfterMoveIsErrMoved", sendAfterMove},
		{"HoldDelaysAck", holdDelaysAck},
		{"PanicEndsOne", panicEndsOne},
		{"NoGoroutineLeft", handlerLeavesNothing},
	}
	for _, carrier := range carriers(o.Command) {
		t.Run(carrier.String(), func(t *testing.T) {
			checks := all
			if carrier == Memory {
				checks = append(checks, local...)
			}
			for _, c := range checks {
				t.Run(c.name, func(t *testing.T) {
					c.run(&talk{T: t, o: &o, carrier: carrier, k: NewKernel(t)})
				})
			}
		})
	}
}

// start starts an instance; in this process, with a spy around the handler.
func (h *talk) start() *Instance {
	h.Helper()
	h.spy = newSpy(h.o.New())
	return h.k.Start(Spec{
		Plugin:  sdk.Plugin{Name: "handler", Version: "1", Handler: h.spy},
		Command: h.o.Command, Env: h.o.Env, Carrier: h.carrier, Options: h.o.Config,
	})
}

// local reports whether the spy sees what the handler does.
func (h *talk) local() bool { return h.carrier == Memory }

// answers returns what a client has heard, without what others have caused.
// The lock is held.
func (h *talk) answersLocked(c *Client) (heard []string) {
	for _, m := range c.heard {
		if s := string(m.Data); h.o.Ignore == nil || !h.o.Ignore(s) {
			heard = append(heard, s)
		}
	}
	return heard
}

// hears waits until a client has heard what it should have, and no more.
func (h *talk) hears(c *Client, want []string) {
	h.Helper()
	var got []string
	if !h.k.await(func() bool {
		got = h.answersLocked(c)
		return len(got) >= len(want)
	}) || !equal(got, want) {
		h.Fatalf("client %d heard %.200q, want %.200q", c.ID, got, want)
	}
}

func equal(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// script is what the n-th client hears in all, and its turns.
func (h *talk) script(n int) (turns []Turn, hears []string) {
	turns = h.o.Talk(n)
	hears = append(hears, h.o.Greeting...)
	for _, t := range turns {
		hears = append(hears, t.Hear...)
	}
	return turns, hears
}
