package main

import (
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/idferry/idferry/internal/azcli"
	"github.com/idferry/idferry/internal/cli"
	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// toolLimit is the deadline under the names az and azd: the Azure SDKs wait ten seconds for those tools.
const toolLimit = 9 * time.Second

// newAccount is the `account` group of az.
func newAccount(p cli.Process) *cobra.Command {
	group := &cobra.Command{Use: "account", Short: "Tokens as the Azure CLI prints them", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return needVerb(cmd) }}
	group.AddCommand(newGetAccessToken(p))
	return group
}

func newGetAccessToken(p cli.Process) *cobra.Command {
	f := &federation{process: p}
	var resource, tenant, subscription, output string
	var scopes []string
	cmd := &cobra.Command{
		Use: "get-access-token", Short: "Print a token as `az account get-access-token` does", Args: cobra.NoArgs,
		Example: "  az account get-access-token --resource https://storage.azure.com -o json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := f.open(tenant)
			if err != nil {
				return err
			}
			defer s.close()
			asked, err := scopesOf(resource, scopes, s.cloud)
			if err != nil {
				return err
			}
			print, err := azFormat(output)
			if err != nil {
				return err
			}
			t, err := s.token(cmd.Context(), asked, "")
			if err != nil {
				return err
			}
			if tenant != "" {
				subscription = "" // as az, whose answer to --tenant names no subscription
			}
			_, err = p.Stdout.Write(print(azcli.NewAccessToken(t, s.tenantID, subscription, time.Local)))
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&resource, "resource", "", "resource of the token")
	flags.StringArrayVar(&scopes, "scope", nil, "scope of the token")
	flags.StringVarP(&output, "output", "o", "json", "json or none")
	flags.StringVarP(&tenant, "tenant", "t", "", "Entra tenant [$AZURE_TENANT_ID]")
	b := f.bindTool(flags)
	b.String(&subscription, "subscription", "", "", "subscription to name in the answer", "AZURE_SUBSCRIPTION_ID", "ARM_SUBSCRIPTION_ID")
	return cmd
}

// bindTool adds the settings of a stand-in. The real tools do not know these flags, so they are hidden there.
func (f *federation) bindTool(flags *pflag.FlagSet) *cli.Settings {
	own := pflag.NewFlagSet("", pflag.ContinueOnError)
	b := cli.NewSettings(own, f.process.Lookup)
	f.settings = b
	b.String(&f.clientID, "client-id", "", "", "Entra application that trusts the Google account", "AZURE_CLIENT_ID")
	b.String(&f.tenantID, "default-tenant", "", "", "Entra tenant of the application", "AZURE_TENANT_ID")
	f.bindShared(b, toolLimit)
	own.VisitAll(func(flag *pflag.Flag) {
		flag.Hidden, flag.Shorthand = true, ""
		flags.AddFlag(flag)
	})
	b.Into(flags)
	return b
}

// scopesOf follows az: --scope, else --resource with /.default behind it, else Azure Resource Manager.
func scopesOf(resource string, scopes []string, cloud entra.Cloud) ([]string, error) {
	switch {
	case len(scopes) > 0 && resource != "":
		return nil, problem.Input("--scope", "it excludes --resource")
	case len(scopes) > 0:
		return scopes, checkScopes(scopes)
	case resource != "":
		return []string{entra.ScopeOf(resource)}, entra.CheckResource("--resource", resource)
	default:
		return []string{entra.ScopeOf(cloud.ResourceManager)}, nil
	}
}

func azFormat(output string) (func(azcli.AccessToken) []byte, error) {
	switch output {
	case "json":
		return azcli.AccessToken.JSON, nil
	case "none":
		return func(azcli.AccessToken) []byte { return nil }, nil
	}
	return nil, problem.Input("--output", "%q is not a format of this stand-in", output).WithHint("use json or none")
}

// sentence is the whole of an error for a caller that shows one text: code, message and hint.
func sentence(e *problem.Error) string {
	if e.Hint == "" {
		return e.Coded()
	}
	return e.Coded() + "; " + e.Hint
}

// failAsAz shows err as az does: one line on stderr, 2 for a command line it cannot read, 1 otherwise.
func failAsAz(p cli.Process, err error) int {
	e := problem.From(err)
	_, _ = p.Stderr.Write([]byte(azcli.Error(token.NewRedactor().Clean(sentence(e))) + "\n"))
	if e.Misuse {
		return cli.ExitMisuse
	}
	return cli.ExitFailure
}
