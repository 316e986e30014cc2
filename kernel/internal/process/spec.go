package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.uber.org/zap"
)

// A Spec says what to start. Name, Path and RunDir must be set.
type Spec struct {
	// Name is the plugin's name, as in netcore-NAME.
	Name string
	// Incarnation numbers the instances of a plugin; Name and Incarnation are
	// unique among the processes that run.
	Incarnation uint64
	// Path is the executable. What is found there when Start is called is what
	// runs, whatever is put there meanwhile.
	Path string
	// Executable, if not nil, is what Open returned for Path: it runs, whatever
	// is at Path by now. It stays the caller's.
	Executable *os.File
	// SHA256, if not empty, must be the executable's hash, in hexadecimal.
	SHA256 string
	Args   []string
	// Env are variables besides PATH, HOME, TMPDIR, LANG and TZ, NAME=value.
	// The last value of a name counts.
	Env []string
	// GOMAXPROCS of the process. If zero, its own choice.
	GOMAXPROCS int
	// RunDir is where the instance's directory is made, for its sockets.
	RunDir string
	// Files become descriptors 3, 4, … of the process. They stay the caller's,
	// who may close them when Start has returned. They are numbers and not
	// *os.File because File.Fd makes a socket blocking in all processes that
	// share it.
	Files []int
	// MTLS has the gRPC connection encrypted and both ends checked.
	MTLS bool
	// StartTimeout bounds Start. If zero, 10 seconds.
	StartTimeout time.Duration
	// Liveness says when the process counts as hung.
	Liveness Liveness
	// Logger gets the process's output, and go-plugin's own at debug level. If
	// nil, nothing is logged. The caller has tagged it with the instance.
	Logger *zap.Logger
}

// Liveness says how a process is asked for a sign of life.
type Liveness struct {
	// Off switches it off, as for a plugin that stands at a breakpoint.
	Off bool
	// Interval between questions. If zero, 500 milliseconds.
	Interval time.Duration
	// Timeout of one question. If zero, 1 second.
	Timeout time.Duration
	// Silence is how long no question was answered when the process counts as
	// hung. If zero, 2.5 seconds.
	Silence time.Duration
}

// maxSocketPath is the longest path of a unix socket, and socketName the room
// that the name of go-plugin's socket takes in it.
const (
	maxSocketPath = 107
	socketName    = len("/plugin4294967295")
)

func (s Spec) withDefaults() Spec {
	setDefault(&s.StartTimeout, 10*time.Second)
	setDefault(&s.Liveness.Interval, 500*time.Millisecond)
	setDefault(&s.Liveness.Timeout, time.Second)
	setDefault(&s.Liveness.Silence, 2500*time.Millisecond)
	if s.Logger == nil {
		s.Logger = zap.NewNop()
	}
	return s
}

func setDefault(d *time.Duration, v time.Duration) {
	if *d == 0 {
		*d = v
	}
}

func (s *Spec) validate() error {
	switch {
	case s.Name == "" || s.Name != filepath.Base(s.Name) || strings.HasPrefix(s.Name, "."):
		return fmt.Errorf("name %q is no file name", s.Name)
	case s.Path == "":
		return errors.New("no path")
	case s.RunDir == "":
		return errors.New("no run directory")
	}
	if over := len(s.dir()) + socketName - maxSocketPath; over > 0 {
		return fmt.Errorf("run directory %s is %d bytes too long for the path of a unix socket", s.RunDir, over)
	}
	for _, kv := range s.Env {
		if name, _, ok := strings.Cut(kv, "="); !ok || name == "" {
			return fmt.Errorf("environment: %q is not NAME=value", kv)
		}
	}
	return nil
}

// dir is the instance's own directory.
func (s *Spec) dir() string {
	return filepath.Join(s.RunDir, fmt.Sprintf("%s.%d", s.Name, s.Incarnation))
}
