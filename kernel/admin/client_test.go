package admin_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/netcore-go/netcore/kernel"
	"github.com/netcore-go/netcore/kernel/admin"
)

func TestClientReads(t *testing.T) {
	f := newFake()
	runDir, _ := start(t, f)
	c := admin.NewClient(runDir)
	ctx := context.Background()

	status, err := c.Status(ctx)
	if err != nil || !reflect.DeepEqual(status, f.status) {
		t.Errorf("Status() = %+v, %v, want %+v", status, err, f.status)
	}
	plugins, err := c.Plugins(ctx)
	if err != nil || !reflect.DeepEqual(plugins, f.status.Plugins) {
		t.Errorf("Plugins() = %+v, %v, want %+v", plugins, err, f.status.Plugins)
	}
	stats, err := c.Stats(ctx)
	if err != nil || stats.Total.TotalConnections != 9 || stats.Listeners["game"].TotalConnections != 4 || stats.Closed["idle"] != 2 {
		t.Errorf("Stats() = %+v, %v", stats, err)
	}
	for _, tt := range []struct {
		limit    int
		listener string
		want     []kernel.ConnectionInfo
	}{
		{0, "", f.conns}, {1, "", f.conns[:1]}, {5, "game", f.conns[:1]},
	} {
		conns, err := c.Connections(ctx, tt.limit, tt.listener)
		if err != nil || !reflect.DeepEqual(conns, tt.want) {
			t.Errorf("Connections(%d, %q) = %v, %v, want %v", tt.limit, tt.listener, conns, err, tt.want)
		}
	}
}

func TestClientOperations(t *testing.T) {
	ctx := context.Background()
	tests := []struct {
		want string // what the kernel is told
		do   func(*admin.Client) error
	}{
		{`swap tcp "/x y"`, func(c *admin.Client) error { return second(c.Swap(ctx, "tcp", "/x y")) }},
		{`swap tcp ""`, func(c *admin.Client) error { return second(c.Swap(ctx, "tcp", "")) }},
		{"rollback tcp", func(c *admin.Client) error { return second(c.Rollback(ctx, "tcp")) }},
		{"reset tcp", func(c *admin.Client) error { return c.Reset(ctx, "tcp") }},
		{"reload", func(c *admin.Client) error { return c.Reload(ctx) }},
		{"drain", func(c *admin.Client) error { return c.Drain(ctx) }},
		{"close a/b", func(c *admin.Client) error { return c.CloseConnection(ctx, "a/b") }},
	}
	kinds := []error{
		nil, fmt.Errorf("tcp: swapping: %w", kernel.ErrBusy), fmt.Errorf("plugin tcp: %w", kernel.ErrUnknown),
		fmt.Errorf("a.yaml:1:2: x: %w", kernel.ErrInvalid), kernel.ErrDraining, errors.New("successor died"),
	}
	for _, kind := range kinds {
		f := newFake()
		f.err = kind
		runDir, _ := start(t, f)
		c := admin.NewClient(runDir)
		for _, tt := range tests {
			t.Run(fmt.Sprintf("%s %v", tt.want, kind), func(t *testing.T) {
				err := tt.do(c)
				if got := <-f.calls; got != tt.want {
					t.Errorf("the kernel was told %q, want %q", got, tt.want)
				}
				checkKind(t, err, kind)
			})
		}
	}
}

// checkKind checks that err has the text of want and is of the same sentinels.
func checkKind(t *testing.T, err, want error) {
	t.Helper()
	if fmt.Sprint(err) != fmt.Sprint(want) {
		t.Errorf("error %v, want %v", err, want)
	}
	for _, sentinel := range []error{kernel.ErrBusy, kernel.ErrUnknown, kernel.ErrInvalid, kernel.ErrDraining} {
		if got := errors.Is(err, sentinel); got != errors.Is(want, sentinel) {
			t.Errorf("errors.Is(%v, %v) = %v", err, sentinel, got)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestClientStop(t *testing.T) {
	f := newFake()
	runDir, _ := start(t, f)
	for _, force := range []bool{false, true} {
		if err := admin.NewClient(runDir).Stop(context.Background(), force); err != nil {
			t.Errorf("Stop(%v) = %v", force, err)
		}
		if got, want := <-f.calls, fmt.Sprintf("stop %v", force); got != want {
			t.Errorf("the process was told %q, want %q", got, want)
		}
	}
}

func TestClientNotRunning(t *testing.T) {
	if _, err := admin.NewClient(shortDir(t)).Status(context.Background()); !errors.Is(err, admin.ErrNotRunning) {
		t.Errorf("Status() = %v, want ErrNotRunning", err)
	}
}

func TestClientUnknownListener(t *testing.T) {
	runDir, _ := start(t, newFake())
	_, err := admin.NewClient(runDir).Connections(context.Background(), 0, "nope")
	if !errors.Is(err, kernel.ErrUnknown) {
		t.Errorf("Connections() = %v, want ErrUnknown", err)
	}
}
