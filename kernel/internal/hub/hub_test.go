package hub_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/netcore-go/netcore/kernel/internal/hub"
)

func join(t *testing.T, h *hub.Hub, room string, conns ...uint64) {
	t.Helper()
	for _, c := range conns {
		if err := h.Join(room, c); err != nil {
			t.Fatal(err)
		}
	}
}

func members(h *hub.Hub, room string) []uint64 {
	m := h.Members(room, nil)
	slices.Sort(m)
	return m
}

func TestJoinAndLeave(t *testing.T) {
	h := hub.New(0)
	join(t, h, "lobby", 1, 2, 3, 2)
	join(t, h, "red", 2)
	if got, want := members(h, "lobby"), []uint64{1, 2, 3}; !slices.Equal(got, want) {
		t.Errorf("Members(lobby) = %v, want %v", got, want)
	}
	if got, want := h.Rooms(2), []string{"lobby", "red"}; !slices.Equal(got, want) {
		t.Errorf("Rooms(2) = %v, want %v", got, want)
	}
	h.Leave("lobby", 1)
	h.Leave("lobby", 1)
	h.Leave("nowhere", 1)
	h.LeaveAll(2)
	h.LeaveAll(2)
	if got, want := members(h, "lobby"), []uint64{3}; !slices.Equal(got, want) {
		t.Errorf("Members(lobby) = %v, want %v", got, want)
	}
	if got := members(h, "red"); len(got) != 0 {
		t.Errorf("Members(red) = %v, want none", got)
	}
	if got := h.Rooms(2); len(got) != 0 {
		t.Errorf("Rooms(2) = %v, want none", got)
	}
	h.Leave("lobby", 3)
	if rooms, conns := h.Len(); rooms != 0 || conns != 0 {
		t.Errorf("Len() = %d, %d, want 0, 0", rooms, conns)
	}
}

func TestBounds(t *testing.T) {
	h := hub.New(0)
	for i := range hub.DefaultMaxRooms {
		join(t, h, fmt.Sprint("room ", i), 7)
	}
	tests := []struct {
		name string
		room string
		conn uint64
		want error
	}{
		{"one room too many", "another", 7, hub.ErrTooManyRooms},
		{"a room that it is in", "room 3", 7, nil},
		{"another connection", "another", 8, nil},
		{"no name", "", 8, hub.ErrName},
		{"the longest name", strings.Repeat("x", hub.MaxName), 8, nil},
		{"a longer name", strings.Repeat("x", hub.MaxName+1), 8, hub.ErrName},
	}
	for _, tt := range tests {
		if err := h.Join(tt.room, tt.conn); !errors.Is(err, tt.want) {
			t.Errorf("%s: Join() = %v, want %v", tt.name, err, tt.want)
		}
	}
	h.Leave("room 3", 7)
	join(t, h, "another", 7)
}

func TestMembersUsesTheBuffer(t *testing.T) {
	h := hub.New(0)
	join(t, h, "r", 1, 2, 3)
	buf := []uint64{9, 9, 9, 9}
	if n := testing.AllocsPerRun(100, func() { buf = h.Members("r", buf) }); n != 0 {
		t.Errorf("Members() allocates %v times, want 0", n)
	}
	if len(buf) != 3 {
		t.Errorf("Members() = %v, want 3 members", buf)
	}
	if got := h.Members("none", buf); len(got) != 0 {
		t.Errorf("Members(none) = %v, want none", got)
	}
}

// The hub against a naive set of pairs.
func TestHubAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const maxRooms = 3
		h, model := hub.New(maxRooms), map[uint64]map[string]bool{}
		conn, room := rapid.Uint64Range(1, 6), rapid.SampledFrom([]string{"a", "b", "c", "d", "e"})
		t.Repeat(map[string]func(*rapid.T){
			"join": func(t *rapid.T) {
				c, r := conn.Draw(t, "conn"), room.Draw(t, "room")
				full := len(model[c]) >= maxRooms && !model[c][r]
				if err := h.Join(r, c); (err != nil) != full {
					t.Fatalf("Join(%s, %d) = %v, full = %v", r, c, err, full)
				}
				if !full {
					if model[c] == nil {
						model[c] = map[string]bool{}
					}
					model[c][r] = true
				}
			},
			"leave": func(t *rapid.T) {
				c, r := conn.Draw(t, "conn"), room.Draw(t, "room")
				h.Leave(r, c)
				delete(model[c], r)
			},
			"leave all": func(t *rapid.T) {
				c := conn.Draw(t, "conn")
				h.LeaveAll(c)
				delete(model, c)
			},
			"": func(t *rapid.T) { compare(t, h, model) },
		})
	})
}

func compare(t *rapid.T, h *hub.Hub, model map[uint64]map[string]bool) {
	byRoom, inRoom := map[string][]uint64{}, 0
	for c := uint64(1); c <= 6; c++ {
		if len(model[c]) > 0 {
			inRoom++
		}
		for r := range model[c] {
			byRoom[r] = append(byRoom[r], c)
		}
		if got, want := h.Rooms(c), slices.Sorted(maps.Keys(model[c])); !slices.Equal(got, want) {
			t.Fatalf("Rooms(%d) = %v, want %v", c, got, want)
		}
	}
	for _, r := range []string{"a", "b", "c", "d", "e"} {
		if got := members(h, r); !slices.Equal(got, byRoom[r]) {
			t.Fatalf("Members(%s) = %v, want %v", r, got, byRoom[r])
		}
	}
	if rooms, conns := h.Len(); rooms != len(byRoom) || conns != inRoom {
		t.Fatalf("Len() = %d, %d, want %d, %d", rooms, conns, len(byRoom), inRoom)
	}
}

func TestLargeRoomShrinks(t *testing.T) {
	h := hub.New(0)
	const n = 5000
	for c := range uint64(n) {
		join(t, h, "big", c)
	}
	for c := range uint64(n - 1) {
		h.Leave("big", c)
	}
	if got := members(h, "big"); !slices.Equal(got, []uint64{n - 1}) {
		t.Errorf("Members(big) = %v, want [%d]", got, n-1)
	}
}

func TestConcurrentUse(t *testing.T) {
	h := hub.New(0)
	var wg sync.WaitGroup
	for w := range uint64(8) {
		wg.Go(func() {
			var buf []uint64
			for i := range 300 {
				room := fmt.Sprint(i % 5)
				if err := h.Join(room, w); err != nil {
					t.Error(err)
				}
				if buf = h.Members(room, buf); !slices.Contains(buf, w) {
					t.Errorf("Members(%s) = %v, want %d among them", room, buf, w)
				}
				h.Rooms(w)
				h.Leave(room, w)
			}
			h.LeaveAll(w)
		})
	}
	wg.Wait()
	if rooms, conns := h.Len(); rooms != 0 || conns != 0 {
		t.Errorf("Len() = %d, %d, want 0, 0", rooms, conns)
	}
}

func BenchmarkJoinLeave(b *testing.B) {
	h := hub.New(0)
	for c := range uint64(100_000) {
		h.Join(fmt.Sprint(c%1000), c)
	}
	b.RunParallel(func(pb *testing.PB) {
		for c := uint64(0); pb.Next(); c = (c + 1) % 1000 {
			h.Join("another", c)
			h.Leave("another", c)
		}
	})
}

func BenchmarkMembers10000(b *testing.B) {
	h := hub.New(0)
	for c := range uint64(10_000) {
		h.Join("big", c)
	}
	b.RunParallel(func(pb *testing.PB) {
		var buf []uint64
		for pb.Next() {
			buf = h.Members("big", buf)
		}
	})
}
