package slot_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/netcore-go/netcore/kernel/internal/slot"
)

var rewrite = flag.Bool("rewrite", false, "write what the machine does into testdata")

// TestTranscripts runs the dialogues in testdata. A file is paragraphs of
//
//	# comment
//	event        boot|swap op=N BINARY, rollback|reset|stop op=N, started|exited|movedone|drainlimit INC,
//	event        startfailed|died INC REASON, timer; each may have t=TIME (kept until the next) and rand=X
//	----
//	actions of the events, in order, and then the state
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { runFile(t, file) })
	}
}

func runFile(t *testing.T, file string) {
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	player := player{now: time.Unix(0, 0)}
	var out []string
	for _, p := range strings.Split(strings.TrimSpace(string(b)), "\n\n") {
		input, want, _ := strings.Cut(p, "\n----\n")
		got := player.play(t, input)
		if got != want && !*rewrite {
			t.Errorf("%s:\n%s\ngives\n%s\nwant\n%s", file, input, got, want)
		}
		out = append(out, input+"\n----\n"+got)
	}
	if *rewrite {
		if err := os.WriteFile(file, []byte(strings.Join(out, "\n\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// A player feeds the events of one file to one slot.
type player struct {
	state slot.State
	now   time.Time
}

func (p *player) play(t *testing.T, input string) string {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(input) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		var actions []slot.Action
		p.state, actions = slot.Next(p.state, p.parse(t, line))
		for _, a := range actions {
			fmt.Fprintln(&b, a)
		}
	}
	fmt.Fprintf(&b, "= %v", p.state)
	return b.String()
}

// parse reads one event.
func (p *player) parse(t *testing.T, line string) slot.Event {
	t.Helper()
	words := strings.Fields(line)
	var args []string
	var op uint64
	var random float64
	for _, w := range words[1:] {
		key, value, ok := strings.Cut(w, "=")
		var err error
		switch {
		case ok && key == "op":
			op, err = strconv.ParseUint(value, 10, 64)
		case ok && key == "rand":
			random, err = strconv.ParseFloat(value, 64)
		case ok && key == "t":
			var d time.Duration
			d, err = time.ParseDuration(value)
			p.now = time.Unix(0, 0).Add(d)
		default:
			args = append(args, w)
		}
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	e := event(words[0], op, strings.Join(args, " "), p.now, random)
	if e == nil {
		t.Fatalf("unknown event %q", line)
	}
	return e
}

func event(name string, op uint64, args string, now time.Time, random float64) slot.Event {
	first, reason, _ := strings.Cut(args, " ")
	inc, _ := strconv.ParseUint(first, 10, 64)
	switch name {
	case "boot":
		return slot.Boot{Op: op, Binary: binary(args)}
	case "swap":
		return slot.SwapRequested{Op: op, Binary: binary(args)}
	case "rollback":
		return slot.RollbackRequested{Op: op}
	case "reset":
		return slot.ResetRequested{Op: op}
	case "stop":
		return slot.StopRequested{Op: op}
	case "started":
		return slot.Started{Inc: inc}
	case "startfailed":
		return slot.StartFailed{Inc: inc, Reason: reason, Now: now, Rand: random}
	case "died":
		return slot.Died{Inc: inc, Reason: reason, Now: now, Rand: random}
	case "exited":
		return slot.Exited{Inc: inc, Now: now, Rand: random}
	case "movedone":
		return slot.MoveDone{From: inc}
	case "drainlimit":
		return slot.DrainLimit{Inc: inc}
	case "timer":
		return slot.Timer{Now: now}
	}
	return nil
}

func binary(version string) slot.Binary {
	if version == "" {
		return slot.Binary{}
	}
	return slot.Binary{Path: "/plugins/chat-" + version, Version: version}
}
