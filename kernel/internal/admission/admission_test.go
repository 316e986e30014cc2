package admission_test

import (
	"fmt"
	"math"
	"net/netip"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"github.com/netcore-go/netcore/kernel/internal/admission"
)

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }

func TestBounds(t *testing.T) {
	type step struct {
		listener int
		addr     netip.Addr
		want     admission.Reason
	}
	limits := []admission.Limits{{Max: 3, PerSource: 2}, {}, {PerSource: 1}}
	tests := []struct {
		name  string
		max   int
		steps []step
	}{
		{"listener", 0, []step{{0, ip("10.0.0.1"), ""}, {0, ip("10.0.0.2"), ""}, {0, ip("10.0.0.3"), ""},
			{0, ip("10.0.0.4"), admission.FullListener}, {1, ip("10.0.0.4"), ""}}},
		{"source", 0, []step{{0, ip("10.0.0.1"), ""}, {0, ip("10.0.0.1"), ""}, {0, ip("10.0.0.1"), admission.FullSource},
			{0, ip("10.0.0.2"), ""}, {2, ip("10.0.0.1"), ""}, {2, ip("10.0.0.1"), admission.FullSource}}},
		{"server", 2, []step{{0, ip("10.0.0.1"), ""}, {1, ip("10.0.0.1"), ""}, {1, ip("10.0.0.1"), admission.FullServer},
			{0, ip("10.0.0.2"), admission.FullServer}}},
		{"IPv4 in IPv6 is the IPv4 address", 0, []step{{2, ip("10.0.0.1"), ""}, {2, ip("::ffff:10.0.0.1"), admission.FullSource},
			{2, ip("::ffff:10.0.0.2"), ""}}},
		{"IPv6 counts by /64", 0, []step{{2, ip("2001:db8:0:1::1"), ""}, {2, ip("2001:db8:0:1:ffff::2"), admission.FullSource},
			{2, ip("2001:db8:0:2::1"), ""}}},
		{"a zone does not matter", 0, []step{{2, ip("fe80::1%eth0"), ""}, {2, ip("fe80::2%eth1"), admission.FullSource}}},
		{"no address, no source", 0, []step{{2, netip.Addr{}, ""}, {2, netip.Addr{}, ""}}},
		{"a listener without bounds", 0, []step{{1, ip("10.0.0.1"), ""}, {1, ip("10.0.0.1"), ""}, {1, ip("10.0.0.1"), ""}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := admission.New(tt.max, limits...)
			for i, s := range tt.steps {
				ok, why := g.Admit(s.listener, s.addr)
				if why != s.want || ok != (s.want == admission.Admitted) {
					t.Errorf("step %d: Admit(%d, %v) = %v, %q, want %q", i, s.listener, s.addr, ok, why, s.want)
				}
			}
		})
	}
}

func TestReleaseMakesRoomAndForgets(t *testing.T) {
	g := admission.New(2, []admission.Limits{{Max: 2, PerSource: 1}}...)
	a, b := ip("10.0.0.1"), ip("10.0.0.2")
	g.Admit(0, a)
	g.Admit(0, b)
	g.Release(0, a)
	if ok, why := g.Admit(0, a); !ok {
		t.Errorf("Admit() after Release = %q, want room", why)
	}
	g.Release(0, a)
	g.Release(0, b)
	g.Release(0, b) // one too many
	if total, l, sources := g.Counts(0); total != 0 || l != 0 || sources != 0 {
		t.Errorf("Counts() = %d, %d, %d, want nothing left", total, l, sources)
	}
}

// The gate against a list of who is in.
func TestGateAgainstModel(t *testing.T) {
	type conn struct {
		listener int
		addr     netip.Addr
	}
	limits := []admission.Limits{{Max: 5, PerSource: 2}, {PerSource: 3}, {Max: 4}}
	rapid.Check(t, func(t *rapid.T) {
		g := admission.New(9, limits...)
		var in []conn
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if len(in) > 0 && rapid.Bool().Draw(t, "release") {
				i := rapid.IntRange(0, len(in)-1).Draw(t, "which")
				g.Release(in[i].listener, in[i].addr)
				in = append(in[:i:i], in[i+1:]...)
				continue
			}
			c := conn{rapid.IntRange(0, 2).Draw(t, "listener"), ip(fmt.Sprintf("10.0.0.%d", rapid.IntRange(1, 3).Draw(t, "addr")))}
			var onListener, fromSource int
			for _, o := range in {
				if o.listener == c.listener {
					onListener++
					if o.addr == c.addr {
						fromSource++
					}
				}
			}
			l := limits[c.listener]
			want := len(in) < 9 && (l.Max == 0 || onListener < l.Max) && (l.PerSource == 0 || fromSource < l.PerSource)
			if ok, why := g.Admit(c.listener, c.addr); ok != want {
				t.Fatalf("Admit(%v) = %v, %q, want %v", c, ok, why, want)
			}
			if want {
				in = append(in, c)
			}
		}
	})
}

func TestConcurrentUse(t *testing.T) {
	g := admission.New(100, []admission.Limits{{Max: 50, PerSource: 10}, {PerSource: 10}}...)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 500 {
				addr := ip(fmt.Sprintf("10.0.0.%d", i%7))
				if ok, _ := g.Admit(w%2, addr); ok {
					g.Release(w%2, addr)
				}
			}
		})
	}
	wg.Wait()
	for i := range 2 {
		if total, l, sources := g.Counts(i); total != 0 || l != 0 || sources != 0 {
			t.Errorf("Counts(%d) = %d, %d, %d, want nothing left", i, total, l, sources)
		}
	}
}

func TestDefaultMax(t *testing.T) {
	tests := []struct {
		limit uint64
		want  int
	}{
		{0, 1}, {64, 1}, {65, 1}, {66, 2}, {1024, 960}, {20000, 19000}, {1 << 20, 996148},
		{math.MaxUint64, math.MaxInt32 - math.MaxInt32/20},
	}
	for _, tt := range tests {
		if got := admission.DefaultMax(tt.limit); got != tt.want {
			t.Errorf("DefaultMax(%d) = %d, want %d", tt.limit, got, tt.want)
		}
	}
}

// The limit must hold in a child, too: it is the plugin process that holds the
// second descriptor.
func TestRaiseNoFile(t *testing.T) {
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &old)
	low := unix.Rlimit{Cur: min(256, old.Max), Max: old.Max}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	got, err := admission.RaiseNoFile()
	if err != nil || got != old.Max {
		t.Fatalf("RaiseNoFile() = %d, %v, want %d", got, err, old.Max)
	}
	out, err := exec.Command("/bin/sh", "-c", "ulimit -n").Output()
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.TrimSpace(string(out)); n != fmt.Sprint(old.Max) && n != "unlimited" {
		t.Errorf("a child's limit is %s, want %d", n, old.Max)
	}
}

func BenchmarkAdmitRelease(b *testing.B) {
	g := admission.New(0, []admission.Limits{{Max: 10, PerSource: 10}}...)
	addr := ip("2001:db8::1")
	for b.Loop() {
		g.Admit(0, addr)
		g.Release(0, addr)
	}
}
