package sockstat

import "fmt"

// A State is a socket's TCP state, as TCP_INFO numbers them.
type State uint8

// The states. A connection that has ended is in Close for whoever still holds
// its descriptor, even where netstat shows TIME_WAIT.
const (
	Established State = iota + 1
	SynSent
	SynReceived
	FinWait1
	FinWait2
	TimeWait
	Close
	CloseWait
	LastAck
	Listen
	Closing
)

var stateNames = [...]string{"", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE",
	"CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING"}

// String returns the state's usual name.
func (s State) String() string {
	if s == 0 || int(s) >= len(stateNames) {
		return fmt.Sprintf("STATE(%d)", uint8(s))
	}
	return stateNames[s]
}

// finReceived reports whether the peer's FIN is certainly counted.
func (s State) finReceived() bool {
	return s == CloseWait || s == LastAck || s == Closing || s == TimeWait
}

// finQueued reports whether the own FIN is certainly counted.
func (s State) finQueued() bool {
	return s == FinWait1 || s == FinWait2 || s == LastAck || s == Closing || s == TimeWait
}

func (s State) peerClosed() bool { return s.finReceived() || s == Close }
