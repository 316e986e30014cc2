package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/hashicorp/go-plugin"

	pluginpb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// start is Start without the sentence around its errors.
func (l *Launcher) start(ctx context.Context, spec Spec) (*Process, error) {
	if err := spec.validate(); err != nil {
		return nil, err
	}
	exe, err := spec.open()
	if err != nil {
		return nil, err
	}
	defer exe.Close()
	if err := makeDir(spec.dir()); err != nil {
		return nil, err
	}
	p := newProcess(l, spec)
	late := fmt.Errorf("not ready within %v: %w", spec.StartTimeout, context.DeadlineExceeded)
	ctx, cancel := context.WithTimeoutCause(ctx, spec.StartTimeout, late)
	defer cancel()
	stopKill := context.AfterFunc(ctx, p.Kill)
	r := &pluginRunner{p: p, exe: exe}
	err = p.connect(r)
	if !stopKill() || err != nil {
		return nil, p.abandon(ctx, r, err)
	}
	if !spec.Liveness.Off {
		l.busy.Go(p.watch) // ends with the process
	}
	return p, nil
}

func newProcess(l *Launcher, spec Spec) *Process {
	out := newOutput(spec.Logger)
	p := &Process{
		launcher: l,
		spec:     spec,
		dir:      spec.dir(),
		out:      out,
		hand:     newHandshake(spec.dir(), spec.MTLS, out.stdout),
		hung:     make(chan struct{}),
		done:     make(chan struct{}),
		released: make(chan struct{}),
	}
	p.detach = context.AfterFunc(l.ctx, p.Kill)
	return p
}

// makeDir makes the instance's directory anew: what a kernel that was killed
// left of an instance with the same number is removed.
func makeDir(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.MkdirAll(dir, 0o700)
}

// connect forks, shakes hands and connects. It is ended by Kill.
func (p *Process) connect(r *pluginRunner) error {
	p.client = plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  pluginpb.Handshake(),
		Plugins:          plugin.PluginSet{pluginpb.PluginName: &pluginpb.GRPCPlugin{}},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		RunnerFunc:       r.configure,
		StartTimeout:     p.spec.StartTimeout + time.Minute, // start's own comes first
		SkipHostEnv:      true,
		AutoMTLS:         p.spec.MTLS,
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: p.dir},
		GRPCDialOptions:  dialOptions(),
		Logger:           newHCLog(p.spec.Logger),
		// A go-plugin server puts pipes of its own in the place of os.Stdout
		// and os.Stderr once it serves, and sends here what comes out of them.
		SyncStdout: &lineWriter{each: p.out.stdout},
		SyncStderr: &lineWriter{each: p.out.stderr},
	})
	if _, err := p.client.Start(); err != nil {
		return err
	}
	c, err := p.client.Client()
	if err != nil {
		return err
	}
	g, ok := c.(*plugin.GRPCClient)
	if !ok {
		return fmt.Errorf("go-plugin connected by %T, want gRPC", c)
	}
	raw, err := g.Dispense(pluginpb.PluginName)
	if err != nil {
		return err
	}
	p.conn, p.control = g.Conn, raw.(pluginpb.PluginClient)
	return nil
}

// abandon removes what a start that went wrong has left, and says why it did.
func (p *Process) abandon(ctx context.Context, r *pluginRunner, err error) error {
	if p.PID() == 0 {
		p.detach()
		_ = os.RemoveAll(p.dir)
		if r.err != nil {
			return r.err // without go-plugin's words
		}
		return err
	}
	bad := p.hand.problem()
	if bad == nil {
		p.awaitOwnEnd(ctx)
	}
	p.Kill()
	select {
	case <-p.released:
	case <-time.After(deathPatience):
		return errSurvives
	}
	died := p.Err()
	switch {
	case bad != nil:
		return bad
	case died != nil && !errors.Is(died, ErrKilled):
		return died
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case p.launcher.ctx.Err() != nil:
		err = ErrClosed
	case !p.hand.seen():
		err = errors.New("it closed its stdout without a handshake")
	}
	return withWords(err, p.LastWords())
}

// awaitOwnEnd gives a process whose stdout has ended the moment that it needs
// to end, too: how it did is the better reason.
func (p *Process) awaitOwnEnd(ctx context.Context) {
	select {
	case <-p.done:
	case <-ctx.Done():
	case <-time.After(2 * lastWordsWait):
	}
}
