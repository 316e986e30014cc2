package e2e_test

import (
	"context"
	"strings"
	"testing"

	"github.com/netcore-go/netcore/kernel"
	"github.com/netcore-go/netcore/test/e2e/internal/server"
)

// tooManyDeaths is how often a plugin dies within a minute before the kernel
// does something else than to start it again.
const tooManyDeaths = 6

// killAgain kills a plugin until that is too often.
func killAgain(t *testing.T, s *server.Server, plugin string) {
	t.Helper()
	for i := range tooManyDeaths {
		pid, _ := kill(t, s, plugin)
		if i == tooManyDeaths-1 {
			return
		}
		if err := s.AwaitSuccessor(plugin, pid); err != nil {
			t.Fatalf("after death %d: %v", i+1, err)
		}
	}
}

// slotOf returns what the status says about a plugin.
func slotOf(st kernel.Status, plugin string) kernel.PluginStatus {
	for _, p := range st.Plugins {
		if p.Name == plugin {
			return p
		}
	}
	return kernel.PluginStatus{}
}

// TestCrashLoopIsQuarantined kills a plugin too often that has no earlier
// binary. Its connections end; reset brings it back.
func TestCrashLoopIsQuarantined(t *testing.T) {
	const conns = 100
	s := start(t, server.EchoYAML)
	f := dial(t, s, conns)
	killAgain(t, s, "tcp")
	var slot kernel.PluginStatus
	err := s.Await("the plugin is quarantined and its connections have ended", func(st kernel.Status) bool {
		slot = slotOf(st, "tcp")
		return slot.State == "quarantined" && st.Closed["crashed"] == conns
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range f.Conns() {
		c.Wait()
	}
	if !strings.Contains(slot.Reason, "killed") {
		t.Errorf("reason %q does not say what happened", slot.Reason)
	}
	if err := s.Admin.Reset(context.Background(), "tcp"); err != nil {
		t.Fatal(err)
	}
	again := dial(t, s, conns)
	untouched(t, again)
	t.Logf("after %d deaths: %s; clients %v; back after reset", tooManyDeaths, slot.Reason, f.Report().Ended)
}

// TestCrashLoopIsRolledBack kills the second version of a handler too often. The
// first takes over, with all connections.
func TestCrashLoopIsRolledBack(t *testing.T) {
	s := start(t, chatYAML)
	ann := sitDown(t, "ann", s.Address)
	ann.read(t, "* Welcome to chat dev.", "* What is your name?")
	if _, err := s.Swap("chat", bins.ChatV2); err != nil {
		t.Fatal(err)
	}
	killAgain(t, s, "chat")
	var slot kernel.PluginStatus
	err := s.Await("the first version serves again", func(st kernel.Status) bool {
		slot = slotOf(st, "chat")
		return slot.State == "serving" && len(slot.Instances) == 1 && slot.Instances[0].Version == "dev"
	})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(slot.Reason, "rolled back") {
		t.Errorf("reason %q does not say what happened", slot.Reason)
	}
	ann.say(t, "ann")
	ann.read(t, "* Hello ann, you are in lobby; /help shows the commands.")
	t.Logf("after %d deaths: %s", tooManyDeaths, slot.Reason)
}
