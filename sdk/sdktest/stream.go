package sdktest

import (
	"testing"
)

// TestStreamProtocol checks an [sdk.StreamProtocol].
func TestStreamProtocol(t *testing.T, o Options) {
	t.Helper()
	all := append(connChecks(&o), check{"ResumeAfterCrash", resumeAfterCrash})
	run(t, o, []check{
		{"OpenErrorRefuses", openErrorRefuses},
		{"PanicInCodec", panicInCodec},
		{"NoGoroutineLeft", noGoroutineLeft},
	}, all)
}

// TestProtocol checks an [sdk.Protocol]. Connections whose peer is no
// [sdk.Quiescer] need not move, but go on.
func TestProtocol(t *testing.T, o Options) {
	t.Helper()
	run(t, o, []check{{"NoGoroutineLeft", noGoroutineLeft}}, connChecks(&o))
}

// connChecks are the checks of protocols over connections.
func connChecks(o *Options) []check {
	checks := []check{
		{"EchoInOrder", echoInOrder},
		{"CutAtEveryByte", cutAtEveryByte},
		{"HalfFrameThenClose", halfFrameThenClose},
		{"WindowShut", windowShut},
		{"SlowReader", slowReader},
		{"MoveAtEachByte", moveAtEachByte},
		{"MoveRefusedGoesOn", moveRefusedGoesOn},
		{"CloseTwice", closeTwice},
		{"StaleEpochIgnored", staleEpochIgnored},
		{"StopsCleanly", stopsCleanly},
	}
	if len(o.Ping) > 0 {
		checks = append(checks, check{"PingAnswered", pingAnswered})
	}
	if len(o.Malformed) > 0 {
		checks = append(checks, check{"MalformedEndsOne", malformedEndsOne})
	}
	if len(o.Overlong) > 0 {
		checks = append(checks, check{"OverlongClaim", overlongClaim})
	}
	return checks
}
