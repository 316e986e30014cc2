package conntrack_test

import (
	"sync"
	"testing"

	"github.com/netcore-go/netcore/kernel/internal/conntrack"
)

type value struct{ id uint64 }

func insert(t *testing.T, table *conntrack.Table[value]) *value {
	t.Helper()
	v := &value{}
	if !table.Insert(v, func(id uint64) { v.id = id }) {
		t.Fatal("Insert() = false")
	}
	return v
}

func TestNumbersAreNeverReused(t *testing.T) {
	var table conntrack.Table[value]
	seen := map[uint64]bool{0: true}
	for range 5000 {
		v := insert(t, &table)
		if seen[v.id] {
			t.Fatalf("number %d given twice", v.id)
		}
		seen[v.id] = true
		if got := table.Get(v.id); got != v {
			t.Fatalf("Get(%d) = %p, want %p", v.id, got, v)
		}
		if !table.Delete(v.id) || table.Delete(v.id) {
			t.Fatal("Delete() must succeed once")
		}
		if got := table.Get(v.id); got != nil {
			t.Fatalf("Get(%d) after Delete = %p, want nil", v.id, got)
		}
	}
	if n := table.Len(); n != 0 {
		t.Errorf("Len() = %d, want 0", n)
	}
}

func TestUnknownNumbers(t *testing.T) {
	var table conntrack.Table[value]
	v := insert(t, &table)
	for _, id := range []uint64{0, 1, v.id + 1, v.id + 1<<24, ^uint64(0), 1 << 63} {
		if got := table.Get(id); got != nil {
			t.Errorf("Get(%d) = %v, want nil", id, got)
		}
		if table.Delete(id) {
			t.Errorf("Delete(%d) = true, want false", id)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	var table conntrack.Table[value]
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 5000 {
				v := &value{}
				table.Insert(v, func(id uint64) { v.id = id })
				if got := table.Get(v.id); got != v {
					t.Errorf("Get(%d) = %p, want %p", v.id, got, v)
				}
				table.All(func(id uint64, got *value) bool { return got != v })
				table.Delete(v.id)
			}
		})
	}
	wg.Wait()
	if n := table.Len(); n != 0 {
		t.Errorf("Len() = %d, want 0", n)
	}
}
