package kernel_test

import (
	"testing"

	"github.com/netcore-go/netcore/kernel"
)

// TestGRPCCarrier has the links of both plugins be gRPC streams: echo, swap, kill.
func TestGRPCCarrier(t *testing.T) {
	r := start(t, process, func(c *kernel.Config, _ *rig) {
		for name, p := range c.Plugins {
			p.Carrier = kernel.CarrierGRPC
			c.Plugins[name] = p
		}
	})
	for _, p := range r.k.Status().Plugins {
		if got := p.Instances[0].Carrier; got != "grpc" {
			t.Errorf("carrier of %s = %q, want grpc", p.Name, got)
		}
	}
	c := talk(t, r.addr(), 20)
	for range 2 {
		if report := r.mustSwap("frames"); report.Moved != 20 {
			t.Errorf("Swap(frames) = %+v, want 20 moved", report)
		}
		if report := r.mustSwap("script"); report.Moved != 20 {
			t.Errorf("Swap(script) = %+v, want 20 moved", report)
		}
		c.further(t)
	}
	c.unharmed(t)
	r.kill("frames")
	mustEcho(t, c.clients...)
	r.kill("script")
	mustEcho(t, c.clients...)
	if n := r.k.Status().Closed; len(n) > 0 {
		t.Errorf("closed = %v, want none", n)
	}
}
