package plugin

import (
	"errors"

	"github.com/netcore-go/netcore/sdk/internal/part"
	"github.com/netcore-go/netcore/sdk/link"
)

// Descriptors is where a protocol's descriptors arrive; *fdpass.Receiver is one.
// Handlers need none.
type Descriptors = part.Descriptors

var errNotConfigured = errors.New("the plugin is not configured, or runs already")

// Run serves l until it ends, then closes l and lets go of all connections. It
// returns when every goroutine of the plugin has ended: nil if the kernel closed
// the link, link.ErrClosed if l was closed here, and otherwise what went wrong.
// It comes once, after Configure.
func (r *Runtime) Run(l *link.Link, d Descriptors) error {
	p, err := r.serve(l, d)
	if p != nil {
		p.Close()
	}
	return err
}

// serve serves l until it ends. The part, if there is one, is still to be closed.
func (r *Runtime) serve(l *link.Link, d Descriptors) (part.Part, error) {
	r.mu.Lock()
	build := r.build
	r.build, r.discard = nil, nil
	r.mu.Unlock()
	if build == nil {
		l.Close()
		return nil, errNotConfigured
	}
	p, err := build(part.Env{Link: l, Descriptors: d})
	if err != nil {
		l.Close()
		return nil, err
	}
	r.part.Store(&p)
	failed := make(chan error, 1) // capacity 1: read after the watcher has ended
	ended, watched := make(chan struct{}), make(chan struct{})
	go func() { // ends with the link
		defer close(watched)
		r.watch(p, l, ended, failed)
	}()
	l.OnIdle(p.EndBatch)
	err = l.Run(func(batch []byte) error { return r.receive(p, batch) })
	close(ended)
	<-watched
	select {
	case err = <-failed:
	default:
	}
	return p, err
}

// watch ends the link of a part that cannot go on.
func (r *Runtime) watch(p part.Part, l *link.Link, ended <-chan struct{}, failed chan<- error) {
	d, ok := p.(interface{ Done() <-chan error })
	if !ok {
		return
	}
	select {
	case err := <-d.Done():
		failed <- err
		l.Close()
	case <-ended:
	}
}

// receive hands a batch to the part, which flushes when the link is idle.
func (r *Runtime) receive(p part.Part, batch []byte) error {
	var f link.Frame
	n := uint64(0)
	for len(batch) > 0 {
		rest, err := link.Next(batch, &f)
		if err != nil {
			return err
		}
		if err := p.Handle(&f); err != nil {
			return err
		}
		batch = rest
		n++
	}
	r.frames.Add(n)
	return nil
}
