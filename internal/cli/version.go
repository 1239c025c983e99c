package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// Version is what `version` prints.
type Version struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// ReadVersion takes the version that the linker was given, else the one in the module's build information (what
// `go install …@v1.2.3` records).
func ReadVersion(linked string) Version {
	v := Version{Version: linked, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if v.Version == "" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v.Revision = s.Value
		}
	}
	return v
}

// VersionCommand is the verb `version`. linked is the version that the linker was given.
func VersionCommand(p Process, linked string) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		Example: fmt.Sprintf("  %[1]s version\n  %[1]s version --json", p.Name),
		RunE:    func(*cobra.Command, []string) error { return ReadVersion(linked).Print(p.Stdout, p.Name, asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as a JSON object")
	return cmd
}

// Print writes the version for people on one line, or as JSON.
func (v Version) Print(w io.Writer, name string, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(v)
	}
	_, err := fmt.Fprintf(w, "%s %s (%s, %s)\n", name, v.Version, v.Go, v.Platform)
	return err
}
