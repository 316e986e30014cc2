package process

import (
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

var errSurvives = errors.New("was sent SIGKILL and has not ended; it hangs in a system call")

// lastWordsWait is how long after a death its pipes are read, if a grandchild
// holds them. Otherwise they end by themselves.
const lastWordsWait = 200 * time.Millisecond

// forked takes over the new process: from here on the reaper sees to it that
// nothing is left.
func (p *Process) forked(c *child, std *stdio) {
	p.mu.Lock()
	p.child = c
	killed := p.killed
	p.mu.Unlock()
	if killed {
		c.signal(syscall.SIGKILL)
	}
	p.launcher.busy.Go(func() { p.reap(c, std) }) // ends with the process
}

func (p *Process) reap(c *child, std *stdio) {
	var pipes sync.WaitGroup
	pipes.Go(func() { drain(std.err, p.out.stderr) }) // both end at the latest by the deadline below
	pipes.Go(func() { drain(std.out, p.hand.line); p.hand.end() })
	ws := c.wait()
	deadline := time.Now().Add(lastWordsWait)
	_ = std.err.SetReadDeadline(deadline)
	_ = std.out.SetReadDeadline(deadline)
	pipes.Wait()
	std.closeOurs()
	p.out.logDropped()
	p.finish(c, ws)
	p.release()
}

// drain gives each the lines of f until it ends or its deadline passes.
func drain(f *os.File, each func(line []byte, cut bool)) {
	w := &lineWriter{each: each}
	_, _ = io.Copy(w, f)
	w.flush()
}

// finish makes the death known.
func (p *Process) finish(c *child, ws syscall.WaitStatus) {
	words := p.out.lastWords()
	p.mu.Lock()
	if planned := p.stopping && ws.Exited() && ws.ExitStatus() == 0; !planned {
		p.exit = newExitError(c.pid, ws, p.killed, words)
	}
	p.mu.Unlock()
	close(p.done)
}

// release undoes what Start did. go-plugin's Kill waits for an answer of the
// plugin without a deadline; after its death there is none to wait for, and
// Kill closes the connection and waits for go-plugin's goroutines.
func (p *Process) release() {
	p.detach()
	p.client.Kill()
	p.hand.out.Close()
	_ = os.RemoveAll(p.dir)
	close(p.released)
}
