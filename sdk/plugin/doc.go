// Package plugin turns an [sdk.Plugin] into a process that netcore starts, or
// into a part of the kernel's own process.
//
//	func main() {
//		plugin.Main(sdk.Plugin{Name: "chat", Version: "1.0.0", Handler: chat.New()})
//	}
//
// A [Runtime] is what both have in common: the control half of the contract
// (Describe, Configure, Health, Stop) and the part that serves the link. Main
// puts a process around it:
//
//	kernel ── gRPC (go-plugin) ──▶ server ──▶ Runtime
//	       ── link, descriptor 3 ───────────▶ its part: streamhost, nethost or handlerhost
//	       ── descriptors, descriptor 4 ────▶
//
// The process ends when the link ends, since then the kernel has died or wants
// it gone; signals are the kernel's business.
package plugin
