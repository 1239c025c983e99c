package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/idferry/idferry/internal/azure"
	"github.com/idferry/idferry/internal/cache"
	"github.com/idferry/idferry/internal/cli"
	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/launch"
	"github.com/idferry/idferry/internal/pluggable"
)

const long = `gcp-executable-source prints an Entra ID token for the Azure identity of this machine, pod,
pipeline or person, in the form in which Google's client libraries, gcloud, bq and Terraform
take it from the "executable" source of an external_account file (AIP-4117).

Without a verb it speaks that protocol: one JSON document on standard output, nothing on
standard error, exit code 0 also when the document says "success": false.`

const example = `  # in the external_account file
  "credential_source": {"executable": {
    "command": "/usr/local/bin/gcp-executable-source --credential managed-identity --resource api://my-app"}}

  # by hand, to see what a client would get
  gcp-executable-source --credential azure-cli --resource api://my-app`

// run is the whole program with everything it takes from outside as arguments.
func run(ctx context.Context, p cli.Process) int {
	code := cli.ExitOK
	root := newRoot(p, &code)
	// Java's client splits the command at every single space, so a double space arrives as an empty argument.
	args := p.Args
	first := slices.IndexFunc(args, func(a string) bool { return a != "" })
	if first < 0 || strings.HasPrefix(args[first], "-") {
		args = slices.DeleteFunc(slices.Clone(args), func(a string) bool { return a == "" })
	}
	root.SetArgs(args)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	cli.Complete(p, root, map[string][]string{
		"credential": azure.Names(), "cloud": entra.CloudNames(), "cache": cache.Modes(), "source": {"executable", "file"},
	})
	ran, err := root.ExecuteContextC(ctx)
	switch {
	case err == nil:
		return code
	case ran.Name() == "exec":
		p.Fail(cli.Misuse(err, "gcp-executable-source"))
		return launch.Code(err)
	case ran == root:
		// Whoever runs us without a verb is a client library: it shows a document and nothing else.
		_, _ = p.Stdout.Write(pluggable.Failure(pluggable.ReadRequest(p.Lookup), cli.Misuse(err, "gcp-executable-source")))
		return cli.ExitOK
	default:
		return p.Fail(cli.Misuse(err, "gcp-executable-source"))
	}
}

func newRoot(p cli.Process, code *int) *cobra.Command {
	s := &source{process: p}
	cmd := &cobra.Command{
		Use: "gcp-executable-source", Short: "Give an Azure identity to Google's client libraries",
		Long: long, Example: example,
		Args: cobra.NoArgs, SilenceErrors: true, SilenceUsage: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			*code = s.protocol(cmd.Context())
			return nil
		},
	}
	cmd.Flags().SortFlags = false
	s.bindProtocol(cmd.Flags())
	// A client library passes flags alone, and the flags of every verb would cost it a twentieth of the call.
	if len(p.Args) > 0 && (!strings.HasPrefix(p.Args[0], "-") || slices.Contains(p.Args, "-h") || slices.Contains(p.Args, "--help")) {
		cmd.AddCommand(cli.Asked(p, 0,
			cli.Named("config", func(p cli.Process) *cobra.Command { return newConfig(p, code) }), cli.Named("token-file", newTokenFile),
			cli.Named("exec", func(p cli.Process) *cobra.Command { return newExec(p, code) }),
			cli.Named("doctor", func(p cli.Process) *cobra.Command { return newDoctor(p, code) }), cli.Named("trust", newTrust),
			cli.Named("cache", cli.CacheCommand), cli.Named("version", newVersion))...)
	}
	return cmd
}

func newVersion(p cli.Process) *cobra.Command { return cli.VersionCommand(p, version) }
