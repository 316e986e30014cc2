package process

import (
	"context"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pluginpb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// A Process is one running instance of a plugin. Its methods may be called from
// any goroutine.
type Process struct {
	launcher *Launcher
	spec     Spec
	dir      string
	out      *output
	hand     *handshake
	client   *plugin.Client
	conn     *grpc.ClientConn
	control  pluginpb.PluginClient
	detach   func() bool // from the launcher's Close
	hung     chan struct{}
	done     chan struct{}
	released chan struct{} // after done: nothing of the process remains

	mu       sync.Mutex // guards the fields below
	child    *child     // nil before the fork
	killed   bool
	stopping bool
	exit     *ExitError // set before done is closed; nil if the exit was planned
}

// deathPatience is how long a SIGKILL may take. Only a process that hangs in a
// system call that cannot be interrupted takes longer.
const deathPatience = 5 * time.Second

// Control calls the plugin. Each call needs a deadline.
func (p *Process) Control() pluginpb.PluginClient { return p.control }

// Conn is the connection under Control. It is closed after Done.
func (p *Process) Conn() *grpc.ClientConn { return p.conn }

// PID is the process's number, for logs and status.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.child == nil {
		return 0
	}
	return p.child.pid
}

// Done is closed when the process is dead and its last words have been read.
func (p *Process) Done() <-chan struct{} { return p.done }

// Hung is closed when the process has not answered for Liveness.Silence. It
// still lives: the caller kills it.
func (p *Process) Hung() <-chan struct{} { return p.hung }

// Err says how the process ended, an [*ExitError]. It is nil before Done, and
// after an exit that Stop had asked for and that was in order.
func (p *Process) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.exit == nil {
		return nil
	}
	return p.exit
}

// LastWords are the last 4 KiB that the process wrote to stderr; if it wrote a
// panic, the first 4 KiB of that.
func (p *Process) LastWords() string { return p.out.lastWords() }

// Kill kills the process and returns at once.
func (p *Process) Kill() {
	p.mu.Lock()
	p.killed = true
	c := p.child
	p.mu.Unlock()
	if c != nil {
		c.signal(syscall.SIGKILL)
	}
}

// Stop asks the plugin to end and waits until it has; when ctx ends it kills
// it. It returns Err.
func (p *Process) Stop(ctx context.Context) error {
	p.mu.Lock()
	p.stopping = true
	p.mu.Unlock()
	_, err := p.control.Stop(ctx, &pluginpb.StopRequest{})
	switch status.Code(err) {
	case codes.OK, codes.Unavailable: // it may exit before the answer is through
		select {
		case <-p.done:
			return p.Err()
		case <-ctx.Done():
		}
	}
	p.Kill()
	select {
	case <-p.done:
		return p.Err()
	case <-time.After(deathPatience):
		return errSurvives
	}
}
