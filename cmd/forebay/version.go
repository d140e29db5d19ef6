package main

import (
	"runtime/debug"

	"github.com/spf13/cobra"
)

// newVersionCommand prints what this binary was built from.
func newVersionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		GroupID: groupLook,
		Args:    argCount(0, 0, "run forebay version"),
		RunE: func(*cobra.Command, []string) error {
			v := buildVersion()
			if a.json {
				a.printJSON(v)
				return nil
			}
			a.printf("forebay %s %s %s\n", v.Version, v.Revision, v.Go)
			return nil
		},
	}
}

// A version is what a binary was built from.
type version struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
	Go       string `json:"go"`
}

func buildVersion() version {
	v := version{Version: "(devel)", Revision: "unknown"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	v.Go = info.GoVersion
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v.Revision = s.Value
		}
	}
	return v
}
