package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/netcore-go/netcore/internal/load"
)

// benchServer copies what it reads through alter, back to the client.
func benchServer(t *testing.T, alter func([]byte)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				benchCopy(c, alter)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		wg.Wait()
	})
	return l.Addr().String()
}

func benchCopy(c io.ReadWriter, alter func([]byte)) {
	b := make([]byte, 4096)
	for {
		n, err := c.Read(b)
		if err != nil {
			return
		}
		alter(b[:n])
		if _, err := c.Write(b[:n]); err != nil {
			return
		}
	}
}

func runBench(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var o, e bytes.Buffer
	cmd := newBenchCommand()
	cmd.SetArgs(args)
	cmd.SetOut(&o)
	cmd.SetErr(&e)
	err = cmd.ExecuteContext(t.Context())
	return o.String(), e.String(), err
}

func TestBenchTable(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	address := benchServer(t, func([]byte) {})
	stdout, stderr, err := runBench(t, "tcp://"+address, "-n", "3", "-d", "1200ms", "--depth", "2", "--rate", "500")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"tcp://" + address, "3 connections, 2 outstanding each, 64 bytes", "msg/s", "latency p99.9", "0 lost, 0 wrong"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("stdout has no %q:\n%s", want, stdout)
		}
	}
	if strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "p99") {
		t.Errorf("stderr = %q, want one line of progress", stderr)
	}
}

func TestBenchJSON(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	stdout, _, err := runBench(t, benchServer(t, func([]byte) {}), "-n", "2", "-d", "100ms", "--size", "5", "-o", "json")
	var got load.Result
	if jsonErr := json.Unmarshal([]byte(stdout), &got); err != nil || jsonErr != nil {
		t.Fatalf("bench = %v, %v:\n%s", err, jsonErr, stdout)
	}
	if got.Connections != 2 || got.Size != 5 || got.Messages == 0 || got.Rate == 0 || got.Latency.Max == 0 {
		t.Errorf("result = %+v", got)
	}
}

func TestBenchFails(t *testing.T) {
	good, wrong := func([]byte) {}, func(b []byte) { b[len(b)-1]++ }
	for _, tt := range []struct {
		name  string
		alter func([]byte)
		args  []string
		want  string
	}{
		{"wrong replies", wrong, []string{"-d", "100ms", "-n", "1"}, " wrong"},
		{"output", good, []string{"-o", "xml"}, "want table or json"},
		{"size", good, []string{"--size", "-1"}, "size is -1"},
		{"depth", good, []string{"--size", "1", "--depth", "1000"}, "depth is 1000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Cleanup(func() { goleak.VerifyNone(t) })
			_, _, err := runBench(t, append(tt.args, benchServer(t, tt.alter))...)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("bench = %v, want an error with %q", err, tt.want)
			}
		})
	}
	if _, _, err := runBench(t, "gopher://127.0.0.1:70"); err == nil {
		t.Error("bench of an unknown protocol = nil, want an error")
	}
}

func TestBenchRound(t *testing.T) {
	for _, tt := range []struct{ in, want time.Duration }{
		{999, 999}, {12345, 12350}, {123456, 123500}, {1234567890, 1235 * time.Millisecond},
	} {
		if got := benchRound(tt.in); got != tt.want {
			t.Errorf("benchRound(%d) = %d, want %d", tt.in, got, tt.want)
		}
	}
}
