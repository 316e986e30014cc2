package main

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the build, with -ldflags "-X main.version=…".
var version = ""

// buildVersion is the version that the build has set, or the module's as the go
// command has stamped it.
func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// versionInfo is what netcore version prints.
type versionInfo struct {
	Version string `json:"version"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

func (a *app) versionCommand() *cobra.Command {
	var out outputFlag
	cmd := &cobra.Command{
		Use: "version", Short: "Print the version of this binary",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v := versionInfo{buildVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH}
			return a.print(out, v, func(t *table) {
				t.line("netcore %s %s %s/%s", v.Version, v.Go, v.OS, v.Arch)
			})
		},
	}
	out.add(cmd)
	return cmd
}
