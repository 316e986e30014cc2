package plugin

import (
	"errors"
	"sync"

	"github.com/netcore-go/netcore/sdk/internal/part"
	"github.com/netcore-go/netcore/sdk/link"
)

// Descriptors is where a protocol's descriptors arrive; *fdpass.Receiver is one.
type Descriptors = part.Descriptors

var errNotConfigured = errors.New("the plugin is not configured, or runs already")

// A Port is the plugin's end of one link, and of the descriptors that frames on
// it announce. Handlers need no descriptors.
type Port struct {
	Link        *link.Link
	Descriptors Descriptors
}

// MaxPorts is how many links Run can serve side by side.
func (r *Runtime) MaxPorts() int { return r.kind.ports() }

// Run serves the links until one of them ends, then closes all and lets go of
// all connections. It returns when every goroutine of the plugin has ended: nil
// if the kernel closed a link, link.ErrClosed if one was closed here, and
// otherwise what went wrong. It comes once, after Configure.
func (r *Runtime) Run(ports ...Port) error {
	parts, err := r.serve(ports)
	closeAll(parts)
	return err
}

// serve serves the links until one ends. The parts are still to be closed.
func (r *Runtime) serve(ports []Port) ([]part.Part, error) {
	r.mu.Lock()
	build := r.build
	r.build, r.discard = nil, nil
	r.mu.Unlock()
	parts, err := []part.Part(nil), errNotConfigured
	if build != nil {
		var envs []part.Env
		for _, p := range ports {
			envs = append(envs, part.Env{Link: p.Link, Descriptors: p.Descriptors})
		}
		parts, err = build(envs)
	}
	closeLinks := func() {
		for _, p := range ports {
			p.Link.Close()
		}
	}
	if err != nil {
		closeLinks()
		return nil, err
	}
	r.parts.Store(&parts)
	ended := make(chan error, len(ports)) // each link's end, without waiting
	var links sync.WaitGroup
	for i, p := range parts {
		links.Go(func() {
			ended <- r.serveLink(p, ports[i].Link)
			closeLinks()
		})
	}
	err = <-ended // the first is the cause of the others
	links.Wait()
	return parts, err
}

// serveLink serves one link until it ends.
func (r *Runtime) serveLink(p part.Part, l *link.Link) error {
	failed := make(chan error, 1) // capacity 1: read after the watcher has ended
	ended, watched := make(chan struct{}), make(chan struct{})
	go func() { // ends with the link
		defer close(watched)
		r.watch(p, l, ended, failed)
	}()
	l.OnIdle(p.EndBatch)
	err := l.Run(func(batch []byte) error { return r.receive(p, batch) })
	close(ended)
	<-watched
	select {
	case err = <-failed:
	default:
	}
	return err
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
