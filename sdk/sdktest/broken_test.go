package sdktest_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/netcore-go/netcore/sdk"
	"github.com/netcore-go/netcore/sdk/sdktest"
	"github.com/netcore-go/netcore/sdk/sdktest/testplugins"
)

// envBroken has the test's own executable run a suite over a broken plugin.
const envBroken = "NETCORE_TEST_BROKEN"

// broken are plugins with one fault each, and the check that must find it.
var broken = []struct {
	name, check string
	run         func(t *testing.T)
}{
	{"forgets its state", "MoveAtEachByte", func(t *testing.T) { suite(t, faulty{forget: true}) }},
	{"takes what is claimed", "OverlongClaim", func(t *testing.T) { suite(t, faulty{greedy: true}) }},
	{"keeps what it was given", "CutAtEveryByte", func(t *testing.T) { suite(t, faulty{drop: true}) }},
	{"does not mind its peer", "MalformedEndsOne", func(t *testing.T) { suite(t, faulty{lenient: true}) }},
	{"keeps names itself", "ContextSurvivesMove", func(t *testing.T) {
		sdktest.TestHandler(t, sdktest.HandlerOptions{
			New: func() sdk.MessageHandler { return &forgetful{names: make(map[string]string)} },
			Talk: func(int) []sdktest.Turn {
				return []sdktest.Turn{{Say: text("ann"), Hear: []string{"hello ann"}}, {Say: text("?"), Hear: []string{"ann"}}}
			},
		})
	}},
}

// TestSuitesFindFaults runs each suite in a process of its own, since it is to
// fail.
func TestSuitesFindFaults(t *testing.T) {
	for _, b := range broken {
		t.Run(b.name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run", "^TestBroken$/^memory$/^"+b.check+"$", "-test.timeout", "20s")
			cmd.Env = append(os.Environ(), envBroken+"="+b.name)
			out, err := cmd.CombinedOutput()
			if want := "--- FAIL: TestBroken/memory/" + b.check; err == nil || !strings.Contains(string(out), want) {
				t.Errorf("the suite ended with %v, want %q; output:\n%s", err, want, out)
			}
		})
	}
}

// TestBroken is what TestSuitesFindFaults runs; by itself it has nothing to do.
func TestBroken(t *testing.T) {
	for _, b := range broken {
		if b.name == os.Getenv(envBroken) {
			b.run(t)
		}
	}
}

func suite(t *testing.T, f faulty) {
	sdktest.TestStreamProtocol(t, sdktest.Options{
		New:      func() sdk.Plugin { return sdk.Plugin{Name: "faulty", Stream: f} },
		Messages: []sdk.Message{text("one"), text("two")},
		Encode:   func(m sdk.Message) []byte { return append(bytes.Clone(m.Data), '\n') },
		Reply:    func(m sdk.Message) []byte { return fmt.Appendf(nil, "bob: %s\n", m.Data) },
		Hello:    []byte("HELLO bob\n"), Welcome: []byte("WELCOME bob\n"),
		Malformed: [][]byte{[]byte("HELLO again\n")},
		Overlong:  []byte("BLOB 4294967295\n"),
	})
}

// faulty is the line protocol with a fault.
type faulty struct {
	forget, greedy, drop, lenient bool
}

func (faulty) Info() sdk.Info { return sdk.Info{Name: "faulty"} }

func (f faulty) Open(s *sdk.Stream) (sdk.Codec, error) {
	c, err := testplugins.Line{}.Open(s)
	return &faultyCodec{Codec: c, faulty: f}, err
}

type faultyCodec struct {
	sdk.Codec
	faulty
	taken []byte
}

func (c *faultyCodec) SaveState(dst []byte) ([]byte, error) {
	if c.forget {
		return dst, nil
	}
	return c.Codec.(sdk.StateSaver).SaveState(dst)
}

func (c *faultyCodec) Decode(s *sdk.Stream, in []byte) (sdk.Message, int, bool, error) {
	m, n, ok, err := c.Codec.Decode(s, in)
	switch {
	case err != nil && c.greedy:
		c.taken = make([]byte, 64<<20)
	case err != nil && c.lenient:
		return m, len(in), false, nil
	case n == 0 && err == nil && c.drop:
		return m, len(in), false, nil
	}
	return m, n, ok, err
}

// forgetful keeps in itself what belongs into the connection's context.
type forgetful struct {
	mu    sync.Mutex // guards the field below
	names map[string]string
}

func (*forgetful) OnConnect(sdk.Connection) {}

func (h *forgetful) OnMessage(c sdk.Connection, m sdk.Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	answer := h.names[c.ID()]
	if string(m.Data) != "?" {
		h.names[c.ID()] = string(m.Data)
		answer = "hello " + string(m.Data)
	}
	_ = c.Send([]byte(answer)) // the client is gone
}

func (*forgetful) OnDisconnect(sdk.Connection, error) {}
