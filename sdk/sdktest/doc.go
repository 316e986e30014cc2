// Package sdktest has the conformance suites that every plugin must pass, and
// the fake kernel that they drive it with.
//
//	func TestConformance(t *testing.T) {
//		sdktest.TestStreamProtocol(t, sdktest.Stream{
//			New:      func() sdk.StreamProtocol { return myproto.New() },
//			Messages: []sdk.Message{{Type: sdk.MessageTypeBinary, Data: []byte("hello")}},
//			Encode:   func(m sdk.Message) []byte { return append(m.Data, '\n') },
//			Command:  []string{sdktest.Build(t, "./cmd/netcore-myproto")},
//		})
//	}
//
// A suite runs each of its checks with the plugin in the test's own process
// and, if Command says how to start it, with the plugin as a process, once with
// each carrier of its link. Without Command only the first is run.
//
// The fake [Kernel] is of use by itself, too. It does what the contract asks of
// a kernel, says on the test what a plugin does against the contract, and lets
// the test decide when a connection moves, stands still, closes or loses its
// plugin. It is not fast, and has no limits, timeouts or supervision.
package sdktest
