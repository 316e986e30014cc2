// Command inprocecho is netcore embedded: kernel, tcp protocol and echo handler
// in one process. It prints its address when it is ready and ends on SIGTERM.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"

	"go.uber.org/zap"

	"github.com/netcore-go/netcore/examples/echo"
	"github.com/netcore-go/netcore/kernel"
	"github.com/netcore-go/netcore/plugins/tcp"
	"github.com/netcore-go/netcore/sdk"
)

func main() {
	address := flag.String("address", "", "address to listen on")
	runDir := flag.String("run-dir", "", "directory for sockets")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *address, *runDir); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, address, runDir string) error {
	k, err := kernel.New(config(address, runDir), kernel.Options{Logger: zap.NewNop(), Version: "bench"})
	if err != nil {
		return err
	}
	ended := make(chan error, 1) // one value: Run's result
	go func() { ended <- k.Run(ctx) }()
	select {
	case <-k.Ready():
		fmt.Println(address)
	case err := <-ended:
		return err
	}
	return <-ended
}

func config(address, runDir string) kernel.Config {
	return kernel.Config{
		RunDir:    runDir,
		Listeners: []kernel.Listener{{Name: "bench", Protocol: "tcp", Address: address, Handler: "echo"}},
		Plugins: map[string]kernel.Plugin{
			"tcp":  {Local: &sdk.Plugin{Name: "tcp", Stream: tcp.New()}},
			"echo": {Local: &sdk.Plugin{Name: "echo", Handler: new(echo.Handler)}},
		},
	}
}
