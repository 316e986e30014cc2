package kernel_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/netcore-go/netcore/kernel"
	"github.com/netcore-go/netcore/sdk"
)

// changed returns the rig's configuration with a change.
func (r *rig) changed(change func(*kernel.Config)) kernel.Config {
	cfg := r.cfg
	cfg.Listeners = slices.Clone(cfg.Listeners)
	cfg.Plugins = maps.Clone(cfg.Plugins)
	change(&cfg)
	return cfg
}

// shape is what a reload may change.
func (r *rig) shape() (s []string) {
	st := r.k.Status()
	for _, l := range st.Listeners {
		s = append(s, fmt.Sprint(l.Name, l.Address, l.Handler, l.Protocol))
	}
	for _, p := range st.Plugins {
		for _, in := range p.Instances {
			s = append(s, fmt.Sprint(p.Name, p.State, in.Incarnation, in.Role))
		}
	}
	return s
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

func TestReload(t *testing.T) {
	r := start(t, process)
	c := talk(t, r.addr(), 10)
	incarnations := func() (protocol, handler uint64) {
		return r.settled("frames").Instances[0].Incarnation, r.settled("script").Instances[0].Incarnation
	}

	must(t, r.k.Reload(t.Context(), r.cfg))
	if p, h := incarnations(); p != 1 || h != 1 {
		t.Errorf("incarnations = %d, %d after a reload without a change, want 1, 1", p, h)
	}

	// A second listener with a handler of its own: the protocol must learn of it.
	address := freePort(t)
	r.cfg = r.changed(func(cfg *kernel.Config) {
		cfg.Listeners = append(cfg.Listeners, kernel.Listener{Name: "b", Protocol: "frames", Handler: "other", Address: address})
		cfg.Plugins["other"] = r.plugin("handler")
	})
	must(t, r.k.Reload(t.Context(), r.cfg))
	if p, h := incarnations(); p != 2 || h != 1 {
		t.Errorf("incarnations = %d, %d after a new listener, want 2, 1", p, h)
	}
	b := dial(t, address)
	mustEcho(t, b)
	c.further(t)

	// Only the first handler's config.
	r.cfg = r.changed(func(cfg *kernel.Config) {
		p := cfg.Plugins["script"]
		p.Config = []byte(`{"colour": "green"}`)
		cfg.Plugins["script"] = p
	})
	must(t, r.k.Reload(t.Context(), r.cfg))
	if p, h := incarnations(); p != 2 || h != 2 || r.settled("other").Instances[0].Incarnation != 1 {
		t.Errorf("incarnations = %d, %d after a change of a handler's config, want 2, 2", p, h)
	}
	c.further(t)

	// The second listener goes: it stops accepting, its connection stays.
	r.cfg = r.changed(func(cfg *kernel.Config) {
		cfg.Listeners = cfg.Listeners[:1]
		delete(cfg.Plugins, "other")
	})
	must(t, r.k.Reload(t.Context(), r.cfg))
	if late, err := net.Dial("tcp", address); err == nil {
		_ = late.Close()
		t.Error("a listener that was removed accepts")
	}
	mustEcho(t, b)
	must(t, b.Close())
	eventually(t, func() error {
		if n := len(r.k.Status().Plugins); n != 2 {
			return fmt.Errorf("%d plugins, want 2: nobody needs the third", n)
		}
		return nil
	})

	// Limits of a listener in place: its socket stays.
	before := r.addr()
	r.cfg = r.changed(func(cfg *kernel.Config) { cfg.Listeners[0].Limits.MaxConnections = 1000 })
	must(t, r.k.Reload(t.Context(), r.cfg))
	if got := r.addr(); got != before {
		t.Errorf("address = %s, want %s as before", got, before)
	}
	mustEcho(t, dial(t, before))
	c.further(t)
	c.unharmed(t)
}

// TestReloadIsRejectedWhole: whatever is wrong, nothing has changed.
func TestReloadIsRejectedWhole(t *testing.T) {
	r := start(t, process)
	c := talk(t, r.addr(), 10)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer taken.Close()
	fresh := freePort(t)
	good := kernel.Listener{Name: "b", Protocol: "frames", Handler: "script", Address: fresh}
	tests := []struct {
		name   string
		change func(*kernel.Config)
		reason string
	}{
		{"port in use", func(cfg *kernel.Config) {
			l := good
			l.Name, l.Address = "c", taken.Addr().String()
			cfg.Listeners = append(cfg.Listeners, good, l)
		}, "address already in use"},
		{"options", func(cfg *kernel.Config) {
			l := good
			l.Options = []byte(`{"bad": true}`)
			cfg.Listeners = append(cfg.Listeners, l)
		}, "listener b: options.bad: must not be set"},
		{"handler's config", func(cfg *kernel.Config) {
			cfg.Listeners = append(cfg.Listeners, good)
			p := cfg.Plugins["script"]
			p.Config = []byte(`{"bad": true}`)
			cfg.Plugins["script"] = p
		}, "config.bad: must not be set"},
		{"no such file", func(cfg *kernel.Config) {
			l := good
			l.Handler = "new"
			cfg.Listeners = append(cfg.Listeners, l)
			cfg.Plugins["new"] = kernel.Plugin{Path: "/nowhere/netcore-new"}
		}, "/nowhere/netcore-new"},
		{"new plugin of the wrong kind", func(cfg *kernel.Config) {
			l := good
			l.Handler = "new"
			cfg.Listeners = append(cfg.Listeners, l)
			cfg.Plugins["new"] = r.plugin("protocol")
		}, "is no handler"},
		{"another role", func(cfg *kernel.Config) {
			cfg.Listeners[0].Handler, cfg.Listeners[0].Protocol = "frames", "script"
		}, "runs as a handler"},
		{"run_dir", func(cfg *kernel.Config) { cfg.RunDir += "x" }, "run_dir"},
		{"max_connections", func(cfg *kernel.Config) { cfg.MaxConnections = 7 }, "max_connections"},
		{"names", func(cfg *kernel.Config) { cfg.Listeners = append(cfg.Listeners, cfg.Listeners[0]) }, "two listeners"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r.settled("frames")
			r.settled("script")
			before := r.shape()
			err := r.k.Reload(t.Context(), r.changed(tt.change))
			if err == nil || !strings.Contains(err.Error(), tt.reason) {
				t.Errorf("Reload() = %v, want an error with %q", err, tt.reason)
			}
			r.settled("frames")
			r.settled("script")
			after := r.shape()
			if len(after) != len(before) || after[0] != before[0] {
				t.Errorf("status after = %v, want %v", after, before)
			}
			if late, err := net.Dial("tcp", fresh); err == nil {
				_ = late.Close()
				t.Error("the new listener's port is open")
			}
			c.further(t)
		})
	}
	must(t, r.k.Reload(t.Context(), r.cfg))
	c.unharmed(t)
}

// TestCheckAgreesWithRun: Check accepts what Run does, and leaves nothing.
func TestCheckAgreesWithRun(t *testing.T) {
	tests := []struct {
		name   string
		change func(*kernel.Config, *rig)
		reason string // "" if it is good
	}{
		{"good", func(*kernel.Config, *rig) {}, ""},
		{"in process", local, ""},
		{"options", func(c *kernel.Config, _ *rig) { c.Listeners[0].Options = []byte(`{"bad": true}`) }, "options.bad"},
		{"config", func(c *kernel.Config, _ *rig) {
			p := c.Plugins["script"]
			p.Config = []byte(`"bad"`)
			c.Plugins["script"] = p
		}, "config.bad"},
		{"missing", func(c *kernel.Config, _ *rig) { c.Plugins["script"] = kernel.Plugin{Path: "/nowhere/x"} }, "/nowhere/x"},
		{"kind", func(c *kernel.Config, r *rig) { c.Plugins["script"] = r.plugin("protocol") }, "is no handler"},
		{"hash", func(c *kernel.Config, _ *rig) {
			p := c.Plugins["script"]
			p.SHA256 = strings.Repeat("0", 64)
			c.Plugins["script"] = p
		}, "sha256 is"},
		{"local kind", func(c *kernel.Config, _ *rig) {
			c.Plugins["script"] = kernel.Plugin{Local: &sdk.Plugin{Name: "frames", Stream: frames{}}}
		}, "is no handler"},
		{"too many", func(c *kernel.Config, _ *rig) { c.MaxConnections = 1 << 30 }, "max_connections"},
		{"run_dir", func(c *kernel.Config, _ *rig) { c.RunDir = "/dev/null/x" }, "run_dir"},
		{"long run_dir", func(c *kernel.Config, _ *rig) { c.RunDir += strings.Repeat("x", 200) }, "run_dir"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := build(t, process, tt.change)
			files := openFiles(t)
			check := kernel.Check(t.Context(), r.cfg, kernel.Options{})
			run := runOnce(t, r.cfg)
			for what, err := range map[string]error{"Check": check, "Run": run} {
				switch {
				case tt.reason == "" && err != nil:
					t.Errorf("%s() = %v, want nil", what, err)
				case tt.reason != "" && (err == nil || !strings.Contains(err.Error(), tt.reason)):
					t.Errorf("%s() = %v, want an error with %q", what, err, tt.reason)
				}
			}
			eventually(t, func() error {
				if n := openFiles(t); n > files {
					return fmt.Errorf("%d descriptors, %d before", n, files)
				}
				return nil
			})
			if kids := children(t); len(kids) > r.kids {
				t.Errorf("processes left over: %v", kids)
			}
		})
	}
}

// runOnce runs a configuration and stops it as soon as it serves.
func runOnce(t *testing.T, cfg kernel.Config) error {
	t.Helper()
	k, err := kernel.New(cfg, kernel.Options{})
	if err != nil {
		return err
	}
	done := make(chan error, 1) // one result
	go func() { done <- k.Run(t.Context()) }()
	select {
	case <-k.Ready():
		must(t, k.Stop(t.Context()))
		return <-done
	case err := <-done:
		return err
	}
}

// TestNewFindsWhatIsWrong in a configuration, all at once.
func TestNewFindsWhatIsWrong(t *testing.T) {
	_, err := kernel.New(kernel.Config{
		MaxConnections: -1,
		Listeners: []kernel.Listener{
			{Name: "a", Protocol: "p", Handler: "h", Address: "nowhere"},
			{Name: "a", Protocol: "p", Handler: "p", Address: ":99999", QueuePolicy: "never", Options: []byte("{")},
		},
		Plugins: map[string]kernel.Plugin{"p": {}, "x": {Path: "x", Carrier: "pigeon", Config: []byte("}")}},
	}, kernel.Options{})
	if !errors.Is(err, kernel.ErrInvalid) {
		t.Fatalf("New() = %v, want ErrInvalid", err)
	}
	for _, want := range []string{"run_dir is empty", "max_connections is -1", "plugin p: exactly one", `carrier is "pigeon"`, "config is no JSON",
		`address "nowhere"`, `port "99999"`, `queue_policy is "never"`, "options are no JSON", `no plugin for handler "h"`,
		"used as protocol and as handler", `two listeners are named "a"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("New() = %v, want %q in it", err, want)
		}
	}
}

// TestRejectedReloadLeavesNoPlugin: of several new plugins that do not start none
// is left, which later reloads would find and not be able to swap.
func TestRejectedReloadLeavesNoPlugin(t *testing.T) {
	r := start(t, local)
	cfg := r.cfg
	cfg.Plugins = maps.Clone(cfg.Plugins)
	cfg.Plugins["x"], cfg.Plugins["y"] = kernel.Plugin{Path: "/nowhere/x"}, kernel.Plugin{Path: "/nowhere/y"}
	cfg.Listeners = append(slices.Clone(cfg.Listeners), kernel.Listener{Name: "b", Protocol: "x", Handler: "y", Address: "127.0.0.1:0"})
	if err := r.k.Reload(context.Background(), cfg); err == nil {
		t.Fatal("Reload() = nil, want an error")
	}
	if p := r.k.Status().Plugins; len(p) != 2 {
		t.Errorf("plugins = %+v, want two", p)
	}
}
