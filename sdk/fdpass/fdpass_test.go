package fdpass_test

import (
	"errors"
	"io"
	"os"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/netcore-go/netcore/sdk/fdpass"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func channel(t *testing.T) (*fdpass.Sender, *fdpass.Receiver) {
	t.Helper()
	k, c, err := fdpass.Pair()
	must(t, err)
	s, err := fdpass.NewSender(k)
	must(t, err)
	r := fdpass.NewReceiver(c)
	t.Cleanup(func() { s.Close(); r.Close() })
	return s, r
}

// socket returns a non-blocking, close-on-exec socket.
func socket(t *testing.T) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// inode tells which open file a descriptor is.
func inode(t *testing.T, fd int) uint64 {
	t.Helper()
	var st unix.Stat_t
	must(t, unix.Fstat(fd, &st))
	return st.Ino
}

// checkFlags fails unless fd is non-blocking and close-on-exec.
func checkFlags(t *testing.T, name string, fd int) {
	t.Helper()
	fl, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	must(t, err)
	fdfl, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	must(t, err)
	if fl&unix.O_NONBLOCK == 0 || fdfl&unix.FD_CLOEXEC == 0 {
		t.Fatalf("%s: flags %#x, descriptor flags %#x, want O_NONBLOCK and FD_CLOEXEC", name, fl, fdfl)
	}
}

// openFiles counts this process's descriptors.
func openFiles(t *testing.T) int {
	t.Helper()
	names, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	return len(names) - 1 // not the one that reads the directory
}

// poll waits until fd reports events.
func poll(t *testing.T, fd int, events int16) {
	t.Helper()
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: events}}, 10_000)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n == 0 {
			t.Fatalf("poll = %d, %v, want an event", n, err)
		}
		return
	}
}

func TestPairIsNonBlockingAndCloseOnExec(t *testing.T) {
	k, c, err := fdpass.Pair()
	must(t, err)
	defer unix.Close(k)
	defer unix.Close(c)
	checkFlags(t, "kernel end", k)
	checkFlags(t, "child end", c)
}

func TestOneDescriptor(t *testing.T) {
	s, r := channel(t)
	fd := socket(t)
	must(t, s.Send(fd))
	got, err := r.Receive()
	must(t, err)
	defer unix.Close(got)
	if inode(t, got) != inode(t, fd) {
		t.Error("received another file than was sent")
	}
	checkFlags(t, "sent", fd)
	checkFlags(t, "received", got)
	if _, err := r.Receive(); !errors.Is(err, fdpass.ErrMissing) {
		t.Errorf("second Receive() error = %v, want ErrMissing", err)
	}
}

// The receiver is slow: it takes a descriptor only when it is told that the
// sender has come far enough to wait for it, so that the buffer fills.
func TestThousandDescriptorsToASlowReceiver(t *testing.T) {
	before := openFiles(t)
	t.Run("pass", func(t *testing.T) { passThousand(t) })
	if after := openFiles(t); after != before {
		t.Errorf("%d open files after, %d before: leak", after, before)
	}
}

func passThousand(t *testing.T) {
	const total = 1000
	k, c, err := fdpass.Pair()
	must(t, err)
	s, err := fdpass.NewSender(k)
	must(t, err)
	defer s.Close()
	s.Timeout = 20 * time.Second
	r := fdpass.NewReceiver(c)
	defer r.Close()
	fds := []int{socket(t), socket(t), socket(t)}
	inodes := []uint64{inode(t, fds[0]), inode(t, fds[1]), inode(t, fds[2])}
	sent := make(chan error, 1) // one result
	go func() {
		for i := range total {
			if err := s.Send(fds[i%3]); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	waitFull(t, k)
	for i := range total {
		poll(t, c, unix.POLLIN)
		got, err := r.Receive()
		must(t, err)
		if inode(t, got) != inodes[i%3] {
			t.Fatalf("descriptor %d is another file than was sent: order is lost", i)
		}
		checkFlags(t, "received "+strconv.Itoa(i), got)
		must(t, unix.Close(got))
	}
	must(t, <-sent)
}

// waitFull returns when the sender's buffer is full.
func waitFull(t *testing.T, fd int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
		if n, err := unix.Poll(p, 0); err == nil && n == 0 {
			return
		}
	}
	t.Fatal("the buffer never filled")
}

func TestSendMany(t *testing.T) {
	s, r := channel(t)
	fds := make([]int, fdpass.MaxMany)
	for i := range fds {
		fds[i] = socket(t)
	}
	n, err := s.SendMany(fds)
	if n != len(fds) || err != nil {
		t.Fatalf("SendMany() = %d, %v, want %d", n, err, len(fds))
	}
	for i, fd := range fds {
		got, err := r.Receive()
		must(t, err)
		if inode(t, got) != inode(t, fd) {
			t.Errorf("descriptor %d is another file than was sent", i)
		}
		unix.Close(got)
	}
	if n, err := s.SendMany(make([]int, fdpass.MaxMany+1)); n != 0 || err == nil {
		t.Errorf("SendMany(%d) = %d, %v, want an error", fdpass.MaxMany+1, n, err)
	}
	n, err = s.SendMany([]int{fds[0], -1, fds[1]})
	if n != 1 || !errors.Is(err, unix.EBADF) {
		t.Errorf("SendMany(good, bad, good) = %d, %v, want 1 and EBADF", n, err)
	}
}

func TestHungReceiver(t *testing.T) {
	s, r := channel(t)
	s.Timeout = 50 * time.Millisecond
	fd := socket(t)
	n := 0
	for ; n < 100_000; n++ {
		if err := s.Send(fd); err != nil {
			if !errors.Is(err, fdpass.ErrHung) {
				t.Fatalf("Send() = %v, want ErrHung", err)
			}
			break
		}
	}
	for range n { // the channel is of use again, and nothing was sent twice
		got, err := r.Receive()
		must(t, err)
		unix.Close(got)
	}
	if _, err := r.Receive(); !errors.Is(err, fdpass.ErrMissing) {
		t.Errorf("Receive() error = %v, want ErrMissing", err)
	}
	must(t, s.Send(fd))
}

func TestReceiverGone(t *testing.T) {
	s, r := channel(t)
	must(t, r.Close())
	must(t, r.Close())
	if err := s.Send(socket(t)); !errors.Is(err, unix.EPIPE) {
		t.Errorf("Send() = %v, want EPIPE", err)
	}
	if _, err := r.Receive(); !errors.Is(err, fdpass.ErrClosed) {
		t.Errorf("Receive() after Close error = %v, want ErrClosed", err)
	}
}

func TestSenderGone(t *testing.T) {
	s, r := channel(t)
	must(t, s.Send(socket(t)))
	must(t, s.Close())
	must(t, s.Close())
	if err := s.Send(socket(t)); !errors.Is(err, fdpass.ErrClosed) {
		t.Errorf("Send() after Close = %v, want ErrClosed", err)
	}
	got, err := r.Receive() // last words are still readable
	must(t, err)
	unix.Close(got)
	if _, err := r.Receive(); !errors.Is(err, io.EOF) {
		t.Errorf("Receive() error = %v, want EOF", err)
	}
}

func TestCloseWakesSend(t *testing.T) {
	k, c, err := fdpass.Pair()
	must(t, err)
	defer unix.Close(c)
	s, err := fdpass.NewSender(k)
	must(t, err)
	s.Timeout = 20 * time.Second
	fd := socket(t)
	done := make(chan error, 1) // one result
	go func() {
		for {
			if err := s.Send(fd); err != nil {
				done <- err
				return
			}
		}
	}()
	waitFull(t, k)
	must(t, s.Close())
	if err := <-done; !errors.Is(err, fdpass.ErrClosed) {
		t.Errorf("Send() = %v, want ErrClosed", err)
	}
}

func TestNewSenderRefuses(t *testing.T) {
	if _, err := fdpass.NewSender(-1); !errors.Is(err, unix.EBADF) {
		t.Errorf("NewSender(-1) error = %v, want EBADF", err)
	}
	blocking, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(blocking[1])
	if _, err := fdpass.NewSender(blocking[0]); err == nil {
		t.Error("NewSender(blocking socket) gave no error")
	}
}

func TestViolations(t *testing.T) {
	two, three := []int{socket(t), socket(t)}, []int{socket(t), socket(t), socket(t)}
	many := make([]int, 60)
	for i := range many {
		many[i] = two[0]
	}
	tests := []struct {
		name string
		oob  []byte
	}{
		{"a byte without a descriptor", nil},
		{"two descriptors", unix.UnixRights(two...)},
		{"three descriptors", unix.UnixRights(three...)},
		{"more descriptors than fit the buffer", unix.UnixRights(many...)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k, c, err := fdpass.Pair()
			must(t, err)
			defer unix.Close(k)
			r := fdpass.NewReceiver(c)
			defer r.Close()
			must(t, unix.Sendmsg(k, []byte{0}, tt.oob, nil, 0))
			before := openFiles(t)
			if fd, err := r.Receive(); fd != -1 || !errors.Is(err, fdpass.ErrViolation) {
				t.Errorf("Receive() = %d, %v, want -1 and ErrViolation", fd, err)
			}
			if after := openFiles(t); after != before {
				t.Errorf("%d open files after, %d before: leak", after, before)
			}
		})
	}
}

// Bytes that were written together still part into one descriptor each, and a
// long write without any is one violation a byte.
func TestOneByteAtATime(t *testing.T) {
	k, c, err := fdpass.Pair()
	must(t, err)
	defer unix.Close(k)
	r := fdpass.NewReceiver(c)
	defer r.Close()
	fd := socket(t)
	must(t, unix.Sendmsg(k, []byte{0, 0}, unix.UnixRights(fd), nil, 0))
	must(t, unix.Sendmsg(k, []byte{0}, unix.UnixRights(fd), nil, 0))
	want := []error{nil, fdpass.ErrViolation, nil, fdpass.ErrMissing}
	for i, w := range want {
		got, err := r.Receive()
		if !errors.Is(err, w) {
			t.Errorf("Receive() number %d: error %v, want %v", i, err, w)
		}
		if err == nil {
			unix.Close(got)
		}
	}
}

func TestReceiverWithoutFreeNumbers(t *testing.T) {
	s, r := channel(t)
	must(t, s.Send(socket(t)))
	var old unix.Rlimit
	must(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &old))
	must(t, unix.Prlimit(0, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: old.Max}, nil))
	_, err := r.Receive()
	must(t, unix.Prlimit(0, unix.RLIMIT_NOFILE, &old, nil))
	if !errors.Is(err, fdpass.ErrViolation) {
		t.Errorf("Receive() error = %v, want ErrViolation", err)
	}
}

func BenchmarkSendReceive(b *testing.B) {
	k, c, err := fdpass.Pair()
	if err != nil {
		b.Fatal(err)
	}
	s, err := fdpass.NewSender(k)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	r := fdpass.NewReceiver(c)
	defer r.Close()
	for b.Loop() {
		if err := s.Send(0); err != nil {
			b.Fatal(err)
		}
		fd, err := r.Receive()
		if err != nil {
			b.Fatal(err)
		}
		unix.Close(fd)
	}
}
