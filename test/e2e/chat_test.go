package e2e_test

import (
	"bufio"
	"io"
	"net"
	"os/exec"
	"testing"
	"time"

	"github.com/netcore-go/netcore/test/e2e/internal/server"
)

const chatYAML = `
listeners:
  - {name: chat, protocol: tcp, address: 127.0.0.1:0, handler: chat, options: {framing: line}}
`

// A person sits at a terminal with netcat.
type person struct {
	name  string
	in    io.Writer
	lines chan string // what the person reads; closed at the end
	seen  []string
}

// sitDown starts netcat.
func sitDown(t *testing.T, name, address string) *person {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("nc", host, port)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &person{name: name, in: in, lines: make(chan string, 100)} // capacity: more than the tour has
	go func() {                                                     // ends with netcat
		defer close(p.lines)
		for scan := bufio.NewScanner(out); scan.Scan(); {
			p.lines <- scan.Text()
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		for range p.lines {    // until it has ended
		}
		_ = cmd.Wait() // it was killed
	})
	return p
}

func (p *person) say(t *testing.T, line string) {
	t.Helper()
	if _, err := io.WriteString(p.in, line+"\n"); err != nil {
		t.Fatalf("%s says %q: %v", p.name, line, err)
	}
}

// read expects the next lines.
func (p *person) read(t *testing.T, want ...string) {
	t.Helper()
	for _, line := range want {
		select {
		case got, ok := <-p.lines:
			if !ok || got != line {
				t.Fatalf("%s reads %q (open: %t), want %q; before that %q", p.name, got, ok, line, p.seen)
			}
			p.seen = append(p.seen, got)
		case <-time.After(server.Patience):
			t.Fatalf("%s reads nothing, want %q; before that %q", p.name, line, p.seen)
		}
	}
}

// TestChatTour is the tour of the README: two people with netcat keep their
// names and their room across a swap of the chat to its second version and back,
// and the death of both plugins.
func TestChatTour(t *testing.T) {
	s := start(t, chatYAML)
	ann, bob := sitDown(t, "ann", s.Address), sitDown(t, "bob", s.Address)
	for _, p := range []*person{ann, bob} {
		p.read(t, "* Welcome to chat dev.", "* What is your name?")
	}
	ann.say(t, "ann")
	ann.read(t, "* Hello ann, you are in lobby; /help shows the commands.")
	bob.say(t, "bob")
	bob.read(t, "* Hello bob, you are in lobby; /help shows the commands.")
	ann.read(t, "* bob joined.")
	ann.say(t, "/join tea")
	ann.read(t, "* You are in tea.")
	bob.read(t, "* ann left.")
	bob.say(t, "/join tea")
	bob.read(t, "* You are in tea.")
	ann.read(t, "* bob joined.")
	talkTo(t, ann, bob, "chat dev")

	if r, err := s.Swap("chat", bins.ChatV2); err != nil || r.FromVersion != "dev" || r.ToVersion != "2.0.0" || r.Moved != 2 {
		t.Fatalf("swap: %+v, %v", r, err)
	}
	talkTo(t, ann, bob, "chat 2.0.0")

	if r, err := s.Rollback("chat"); err != nil || r.FromVersion != "2.0.0" || r.ToVersion != "dev" || r.Moved != 2 {
		t.Fatalf("rollback: %+v, %v", r, err)
	}
	talkTo(t, ann, bob, "chat dev")

	for _, plugin := range []string{"tcp", "chat"} {
		pid, _ := kill(t, s, plugin)
		if err := s.AwaitSuccessor(plugin, pid); err != nil {
			t.Fatal(err)
		}
		talkTo(t, ann, bob, "chat dev")
	}
	ann.say(t, "/quit")
	ann.read(t, "* Goodbye.")
	bob.read(t, "* ann left.")
	t.Logf("ann read %d lines, bob %d, across a swap, a rollback and two kills", len(ann.seen), len(bob.seen))
}

// talkTo has both say something in their room, and a chat of that version answer.
func talkTo(t *testing.T, ann, bob *person, version string) {
	t.Helper()
	ann.say(t, "hello from ann")
	bob.read(t, "ann: hello from ann")
	bob.say(t, "hello from bob")
	ann.read(t, "bob: hello from bob")
	ann.say(t, "/version")
	ann.read(t, "* "+version)
}
