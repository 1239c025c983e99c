package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/idferry/idferry/internal/cli"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/shim"
)

// newShim is the group that puts this program on PATH as az and azd.
func newShim(p cli.Process) *cobra.Command {
	group := &cobra.Command{Use: "shim", Short: "Stand in for az and azd on PATH", Args: cobra.NoArgs,
		Long: `Put this program on PATH under the names az and azd, which every Azure SDK, Terraform and most scripts
run to get a token. What only the real az can do is passed on to it where one is behind on PATH.`,
		Example: "  azure-token-helper shim install --dir ~/bin\n  azure-token-helper shim uninstall --dir ~/bin",
		RunE:    func(cmd *cobra.Command, _ []string) error { return needVerb(cmd) }}
	group.AddCommand(
		shimVerb(p, "install", "Make the names", func(s shim.Shims) error {
			files, err := s.Install()
			for _, file := range files {
				_, _ = fmt.Fprintf(p.Stdout, "%s leads to %s\n", file, s.Program)
			}
			if err != nil {
				return err
			}
			advise(p, s)
			return nil
		}),
		shimVerb(p, "uninstall", "Remove the names", func(s shim.Shims) error {
			files, err := s.Uninstall()
			for _, file := range files {
				_, _ = fmt.Fprintf(p.Stdout, "removed %s\n", file)
			}
			if err == nil && len(files) == 0 {
				_, _ = fmt.Fprintf(p.Stdout, "there is nothing of this program in %s\n", s.Dir)
			}
			return err
		}))
	return group
}

func shimVerb(p cli.Process, use, short string, do func(shim.Shims) error) *cobra.Command {
	var dir string
	var az, azd bool
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, Example: "  azure-token-helper shim " + use + " --dir ~/bin",
		RunE: func(*cobra.Command, []string) error {
			if dir == "" {
				return problem.Input("--dir", "it is missing: where on PATH are the names to be?").
					WithHint("azure-token-helper shim %s --dir ~/bin", use)
			}
			s := shim.Shims{Tools: shim.Names()}
			if az != azd {
				s.Tools = []string{map[bool]string{true: "az", false: "azd"}[az]}
			}
			var err error
			if s.Dir, err = filepath.Abs(dir); err != nil {
				return problem.Input("--dir", "%w", err)
			}
			if s.Program, err = p.Program(); err != nil {
				return err
			}
			return do(s)
		}}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&dir, "dir", "", "directory of the names; /usr/local/bin is found even by callers without PATH")
	cmd.Flags().BoolVar(&az, "az", false, "az only")
	cmd.Flags().BoolVar(&azd, "azd", false, "azd only")
	return cmd
}

// advise says what is still missing before an Azure SDK gets its token this way.
func advise(p cli.Process, s shim.Shims) {
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(p.Stdout, format+"\n", args...) }
	first := false
	for _, f := range s.Find(p.Getenv("PATH")) {
		switch {
		case f.Ours:
			line("PATH finds it: %s", f.First)
		case f.First == "":
			line("PATH does not find %s", f.Tool)
			first = true
		default:
			line("PATH finds another %s before it: %s", f.Tool, f.First)
			first = true
		}
	}
	if first {
		line("  export PATH=%s:\"$PATH\"", cli.QuoteForShell(s.Dir))
	}
	missing := ""
	for _, v := range []struct{ name, value string }{{"AZURE_TENANT_ID", "TENANT"}, {"AZURE_CLIENT_ID", "APPLICATION"}} {
		if p.Getenv(v.name) == "" {
			missing += " " + v.name + "=" + v.value
		}
	}
	if missing != "" {
		line("not set yet, and needed by every call:\n  export%s", missing)
	}
	credential := "AzureCliCredential"
	if s.Tools[0] == "azd" {
		credential = "AzureDeveloperCliCredential"
	}
	if !strings.EqualFold(p.Getenv("AZURE_TOKEN_CREDENTIALS"), credential) {
		line("for programs that use DefaultAzureCredential, which in Go otherwise waits about 100 s for Google's metadata server (azure-sdk-for-go#25996):")
		line("  export AZURE_TOKEN_CREDENTIALS=%s", credential)
	}
}
