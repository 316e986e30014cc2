package chat_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/netcore-go/netcore/examples/chat"
	"github.com/netcore-go/netcore/sdk"
)

func checkGot(t *testing.T, who string, c *client, want ...string) {
	t.Helper()
	if got := c.take(); !slices.Equal(got, want) {
		t.Errorf("%s got %q, want %q", who, got, want)
	}
}

// pair is a room of two, who have heard nothing yet.
func pair(t *testing.T) (s *server, ann, bob *client) {
	t.Helper()
	s = start(t, &chat.Handler{Version: "1.0.0"})
	ann, bob = s.connect("ann"), s.connect("bob")
	ann.take()
	bob.take()
	return s, ann, bob
}

func TestGreeting(t *testing.T) {
	tests := []struct {
		name    string
		version string
		config  string
		want    string
	}{
		{"zero", "", "", "* Welcome to chat dev.\n* What is your name?"},
		{"version", "2.0.0", "{}", "* Welcome to chat 2.0.0.\n* What is your name?"},
		{"motd", "2.0.0", `{"motd": "Be kind."}`, "* Welcome to chat 2.0.0. Be kind.\n* What is your name?"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := &chat.Handler{Version: tt.version}
			if err := h.Configure([]byte(tt.config)); err != nil {
				t.Fatalf("Configure: %v", err)
			}
			checkGot(t, "client", start(t, h).connect(), tt.want)
		})
	}
}

func TestConfigureErrors(t *testing.T) {
	for config, field := range map[string]string{`{"modt": "x"}`: "modt", `{"motd": 1}`: "motd"} {
		var option *sdk.OptionError
		if err := new(chat.Handler).Configure([]byte(config)); !errors.As(err, &option) || option.Field != field {
			t.Errorf("Configure(%s) = %v, want an error of option %s", config, err, field)
		}
	}
	if err := new(chat.Handler).Configure([]byte(`[]`)); err == nil {
		t.Error("Configure([]) = nil, want an error")
	}
}

func TestEnterAndLeave(t *testing.T) {
	s := start(t, &chat.Handler{})
	ann := s.connect("ann")
	ann.take()
	bob := s.connect()
	bob.take()
	bob.say("/me waves")
	checkGot(t, "bob", bob, "* What is your name?")
	checkGot(t, "ann", ann)
	bob.say("bob\r\n")
	checkGot(t, "bob", bob, "* Hello bob, you are in lobby; /help shows the commands.")
	checkGot(t, "ann", ann, "* bob joined.")
	bob.disconnect(sdk.ErrReset)
	checkGot(t, "ann", ann, "* bob left.")

	nameless := s.connect()
	nameless.disconnect(nil)
	checkGot(t, "ann", ann)
}

func TestSay(t *testing.T) {
	tests := []struct {
		name string
		line string
		ann  []string // who says it
		bob  []string
	}{
		{"line", "hi", nil, []string{"ann: hi"}},
		{"empty", " \r\n", nil, nil},
		{"forged line", "hi\nbob: no", nil, []string{"ann: hi bob: no"}},
		{"terminal control", "\x1b[2Jhi", nil, []string{"ann: [2Jhi"}},
		{"line separator", "a\u2028b\u202ec", nil, []string{"ann: a b c"}},
		{"broken UTF-8", "a\xffb", nil, []string{"ann: a\ufffdb"}},
		{"too long", strings.Repeat("x", 4097), []string{"* A line has at most 4096 bytes."}, nil},
		{"me", "/me waves", nil, []string{"* ann waves"}},
		{"me nothing", "/me", []string{"* What do you do?"}, nil},
		{"nick", "/nick eve", []string{"* You are now eve."}, []string{"* ann is now eve."}},
		{"bad nick", "/nick a:b", []string{"* Your name: want none of : * /."}, nil},
		{"version", "/version", []string{"* chat 1.0.0"}, nil},
		{"join here", "/join lobby", []string{"* You are in lobby already."}, nil},
		{"join nowhere", "/join", []string{"* The room's name: want 1 to 32 characters."}, nil},
		{"join", "/join den", []string{"* You are in den."}, []string{"* ann left."}},
		{"unknown", "/who", []string{"* There is no /who; try /help."}, nil},
		{"quit", "/quit", []string{"* Goodbye."}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, ann, bob := pair(t)
			ann.say(tt.line)
			checkGot(t, "ann", ann, tt.ann...)
			checkGot(t, "bob", bob, tt.bob...)
			if want := tt.name == "quit"; ann.closed != want {
				t.Errorf("closed = %v, want %v", ann.closed, want)
			}
		})
	}
}

func TestHelpNamesEachCommand(t *testing.T) {
	_, ann, _ := pair(t)
	ann.say("/help")
	got := strings.Join(ann.take(), "")
	for _, verb := range []string{"/nick", "/join", "/me", "/version", "/quit"} {
		if !strings.Contains(got, verb) {
			t.Errorf("help = %q, want it to name %s", got, verb)
		}
	}
}

func TestNames(t *testing.T) {
	tests := []struct {
		name string
		ok   bool
	}{
		{"a", true},
		{"Ann Lee", true},
		{"李明", true},
		{strings.Repeat("é", 32), true},
		{strings.Repeat("é", 33), false},
		{"* ann", false},
		{"ann: hi", false},
		{"a\u200bb", false}, // zero width
	}
	for _, tt := range tests {
		c := start(t, &chat.Handler{}).connect(tt.name)
		if got := c.GetContext("name") == tt.name; got != tt.ok {
			t.Errorf("name %q accepted = %v, want %v", tt.name, got, tt.ok)
		}
	}
}

func TestRooms(t *testing.T) {
	s, ann, bob := pair(t)
	eve := s.connect("eve", "/join den")
	ann.take()
	bob.take()
	eve.take()
	ann.say("/join den")
	checkGot(t, "eve", eve, "* ann joined.")
	bob.take()
	ann.take()
	ann.say("hi")
	checkGot(t, "eve", eve, "ann: hi")
	checkGot(t, "bob", bob)
	bob.say("anyone?")
	checkGot(t, "ann", ann)
	ann.disconnect(nil)
	checkGot(t, "eve", eve, "* ann left.")
	checkGot(t, "bob", bob)
}

// TestSwap: a successor knows everyone from the kernel's context alone, and
// says nothing until it is asked.
func TestSwap(t *testing.T) {
	s, ann, bob := pair(t)
	bob.say("/join den")
	ann.say("/join den")
	ann.take()
	bob.take()
	s.swap(&chat.Handler{Version: "2.0.0"})
	ann.say("hi")
	checkGot(t, "bob", bob, "ann: hi")
	ann.say("/version")
	checkGot(t, "ann", ann, "* chat 2.0.0")
}

func TestCrash(t *testing.T) {
	s, ann, bob := pair(t)
	s.swap(&chat.Handler{})
	s.handler.OnResume(ann, 0)
	s.handler.OnResume(bob, 2)
	checkGot(t, "ann", ann)
	checkGot(t, "bob", bob, "* The chat crashed and is back; of your last lines 2 may not have been heard.")
}

// TestErrors: what the kernel does not do, the client is told.
func TestErrors(t *testing.T) {
	s, ann, bob := pair(t)
	eve := s.connect()
	eve.take()
	s.err = sdk.ErrDraining
	ann.say("hi")
	checkGot(t, "ann", ann, "* Not sent: server draining.")
	ann.say("/join den")
	checkGot(t, "ann", ann, "* You cannot join den: server draining.")
	eve.say("eve")
	checkGot(t, "eve", eve, "* You cannot join lobby: server draining. Say your name again.")
	checkGot(t, "bob", bob)
	s.err = nil
	eve.say("eve")
	checkGot(t, "bob", bob, "* eve joined.")
	ann.take()
	ann.say("hi")
	checkGot(t, "bob", bob, "ann: hi")
}
