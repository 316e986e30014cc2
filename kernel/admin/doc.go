// Package admin is the kernel's HTTP interface for operators, and its client.
//
// Two servers share the routes that only read:
//
//	run_dir/admin.sock   all of /v1, for whoever may open the socket (mode 0600)
//	TCP on loopback      GET only, no authentication
//
// The routes:
//
//	GET    /v1/status                       kernel.Status
//	GET    /v1/plugins                      {"plugins": [kernel.PluginStatus]}
//	GET    /v1/connections?limit=&listener= {"connections": [kernel.ConnectionInfo]}; limit 100
//	GET    /v1/stats                        Stats
//	POST   /v1/swap      {"plugin", "path"} kernel.SwapReport; path "" is the same path again
//	POST   /v1/rollback  {"plugin"}         kernel.SwapReport
//	POST   /v1/reset     {"plugin"}         nothing
//	POST   /v1/reload                       nothing
//	POST   /v1/drain                        nothing, when the drain has ended; the process ends too
//	POST   /v1/stop      {"force"}          nothing, at once; the process ends after it
//	DELETE /v1/connections/{id}             nothing
//	GET    /livez /healthz                  200 while the process answers
//	GET    /readyz                          503 and the reasons while clients are better sent elsewhere
//
// An answer of nothing has status 204. An error is
// {"error": "...", "code": "..."}; Code lists the codes. The client turns
// codes back into the kernel's sentinel errors.
//
// An operation goes on if its caller hangs up: half a swap is of use to nobody.
package admin
