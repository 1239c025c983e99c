package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Complete tells a shell that asks for the rest of a word what each flag takes: of choices one of its values, of files and
// directories such a name, and of any other flag nothing, where cobra would offer files. Every other call is spared this,
// and cobra's verb completion too, unless it is asked for or shown: its texts alone cost a hit 1 in 40.
func Complete(p Process, root *cobra.Command, choices map[string][]string) {
	shown := func(arg string) bool {
		return arg == "completion" || arg == "help" || arg == "--help" || strings.HasPrefix(arg, "-h") || strings.HasPrefix(arg, cobra.ShellCompRequestCmd)
	}
	root.CompletionOptions.DisableDefaultCmd = root.CompletionOptions.DisableDefaultCmd || !slices.ContainsFunc(p.Args, shown)
	if len(p.Args) == 0 || !strings.HasPrefix(p.Args[0], cobra.ShellCompRequestCmd) {
		return
	}
	files := []string{"federated-token-file", "google-credentials", "kubeconfig", "log-file", "output-file", "path", "token-claims", "token-path", "trust"}
	directories := []string{"cache-dir", "dir", "runtime-dir"}
	var visit func(*cobra.Command)
	visit = func(c *cobra.Command) {
		// The verbs of az parse theirs by themselves.
		c.DisableFlagParsing = false
		c.Flags().VisitAll(func(f *pflag.Flag) {
			answer := cobra.NoFileCompletions
			switch {
			case slices.Contains(files, f.Name):
				return
			case slices.Contains(directories, f.Name):
				answer = cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs)
			case choices[f.Name] != nil:
				answer = cobra.FixedCompletions(choices[f.Name], cobra.ShellCompDirectiveNoFileComp)
			}
			// A verb's own answer stays.
			_ = c.RegisterFlagCompletionFunc(f.Name, answer)
		})
		for _, below := range c.Commands() {
			visit(below)
		}
	}
	visit(root)
}
