// Command compare measures echo servers side by side and writes a Markdown
// table. Each cell starts each server afresh, in rounds, so that what else the
// machine does meets all of them alike:
//
//	for each round, cell, server:
//	  compare ──start──▶ server process (and its plugins)
//	     │                    ▲
//	     └──start──▶ generator process (compare itself, "generate")
//
// The generator is a process of its own so that only the server's processes
// count as the server's CPU time.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

func main() {
	// The processes started here are told to die with the thread that started
	// them: this one, which lives as long as the process.
	runtime.LockOSThread()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	run := compare
	if len(os.Args) > 1 && os.Args[1] == generateCommand {
		run = generate
	}
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		stop()
		os.Exit(1)
	}
}
