package nethost_test

import (
	"os"
	"syscall"
	"testing"

	"github.com/netcore-go/netcore/sdk/link"
	pluginpb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestDescriptorsAreClosed(t *testing.T) {
	lives := func(t *testing.T) {
		k := startKernel(t, &lineProto{}, "greet")
		client, _ := k.connect(1) // the handshake fails
		write(t, client, "no\n")
		k.wantCause(1, 0, link.CauseProtocol)
		k.connect(2) // ends with the host
		_, server := tcpPair(t)
		k.offer(server, &pluginpb.Offer{Open: opening(1, 1), Record: &pluginpb.Record{Version: 9}})
		k.wantCause(1, link.Done, link.CauseProtocol)
		k.want(1, link.Ready, link.Refused)
	}
	t.Run("first", lives) // the runtime opens some for itself
	before := descriptors(t)
	t.Run("second", lives)
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors, want %d as before", after, before)
	}
}

// A copy that is made blocking would make all copies block.
func TestKernelsCopyStaysNonBlocking(t *testing.T) {
	k := startKernel(t, &lineProto{}, "")
	client, server := k.connect(1)
	write(t, client, "hello\n")
	k.wantData(1, "hello")
	raw, err := server.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Control(func(fd uintptr) {
		flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_GETFL, 0)
		if errno != 0 || flags&syscall.O_NONBLOCK == 0 {
			t.Errorf("flags %#x, %v, want O_NONBLOCK", flags, errno)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}
