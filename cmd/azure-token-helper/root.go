package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/idferry/idferry/internal/azcli"
	"github.com/idferry/idferry/internal/cache"
	"github.com/idferry/idferry/internal/cli"
	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/google"
	"github.com/idferry/idferry/internal/launch"
	"github.com/idferry/idferry/internal/problem"
)

const long = `azure-token-helper exchanges the Google identity of this machine, pod, build or person for an
Entra ID token, and prints it as kubectl, the Azure SDKs, Terraform or a script reads it.

The Entra application trusts the Google account through a federated identity credential, so no
secret is kept anywhere. Exit codes: 0 a token was printed, 1 there was none, 2 a flag, variable or
file is unusable. Standard error stays empty when a token is printed.`

const example = `  # kubectl, in the exec section of the kubeconfig's user
  azure-token-helper get-token --server-id 6dae42f8-4368-4678-94ff-3960e28e3630 --client-id APP --tenant-id TENANT

  # a script
  curl -H "$(azure-token-helper get-token -o header --resource https://storage.azure.com)" https://…

  # every Azure SDK: put this binary on PATH under the name az, and set AZURE_TENANT_ID and AZURE_CLIENT_ID
  az account get-access-token --resource https://management.azure.com`

// run is the whole program with everything it takes from outside as arguments.
func run(ctx context.Context, p cli.Process) int {
	code := cli.ExitOK
	root, fail := surface(p, &code)
	root.SetArgs(p.Args)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	cli.Complete(p, root, map[string][]string{
		"google-source": google.Names(), "environment": entra.CloudNames(), "cache": cache.Modes(), "output": azcli.Formats(), "resource-type": azcli.ResourceTypes(),
	})
	ran, err := root.ExecuteContextC(ctx)
	if err == nil {
		return code
	}
	failed := fail(cli.Misuse(err, root.Name()))
	if ran.Name() == "exec" {
		return launch.Code(err)
	}
	return failed
}

// surface is the command tree for the name the program was started under, with the way that name's callers expect
// to be told of a failure.
func surface(p cli.Process, code *int) (*cobra.Command, func(error) int) {
	switch p.Name {
	case "az":
		return newAz(p), func(err error) int { return failAsAz(p, err) }
	case "azd":
		return bare("azd", "Stand-in for the Azure Developer CLI", newAuth(p)), func(err error) int { return failAsAzd(p, err) }
	}
	root := bare("azure-token-helper", "Give a Google identity to Azure's tools", cli.Asked(p, 0,
		cli.Named("get-token", newGetToken), cli.Named("account", newAccount), cli.Named("auth", newAuth),
		cli.Named("exec", func(p cli.Process) *cobra.Command { return newExec(p, code) }), cli.Named("assertion", newAssertion), cli.Named("kubeconfig", newKubeconfig), cli.Named("shim", newShim),
		cli.Named("doctor", func(p cli.Process) *cobra.Command { return newDoctor(p, code) }), cli.Named("trust", newTrust),
		cli.Named("cache", cli.CacheCommand), cli.Named("version", newVersion))...)
	root.Long, root.Example = long, example
	return root, p.Fail
}

func bare(use, short string, verbs ...*cobra.Command) *cobra.Command {
	root := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(verbs...)
	// Without a verb of its own, cobra would print help and call that a success.
	root.RunE = func(cmd *cobra.Command, _ []string) error { return needVerb(cmd) }
	return root
}

func needVerb(cmd *cobra.Command) error {
	var verbs []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			verbs = append(verbs, c.Name())
		}
	}
	return problem.Input("command line", "%s needs a verb: %s", cmd.CommandPath(), strings.Join(verbs, ", ")).
		WithHint("%s --help", cmd.CommandPath())
}

func newVersion(p cli.Process) *cobra.Command { return cli.VersionCommand(p, version) }
