package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/idferry/idferry/internal/cli"
	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
	"github.com/idferry/idferry/internal/trust"
)

// printTrust is the verb that prints what makes an Entra application trust the Google identity.
type printTrust struct {
	federation
	azure          trust.Azure
	format, claims string
}

func newTrust(p cli.Process) *cobra.Command {
	v := &printTrust{federation: federation{process: p}}
	cmd := &cobra.Command{
		Use: "trust", Short: "Print what makes Azure trust this Google identity, as az commands, Terraform or Bicep",
		Long: `Print what makes an Entra application, or a user-assigned managed identity, trust the Google identity of this
machine, pod, build or person: a federated credential with the issuer, the numeric subject and the audience of its
ID token, and a role. Nothing is run: whoever administers the tenant reads it, and runs it.

The token is asked for here and now; or its claims are read from a file, so that somebody else can make the trust
elsewhere: azure-token-helper doctor --json shows them.`,
		Example: `  azure-token-helper trust --application blob-reader --role 'Storage Blob Data Reader' --role-scope /subscriptions/…/storageAccounts/my
  azure-token-helper trust --client-id APP
  azure-token-helper trust --user-assigned-identity blob-reader --resource-group my-group --format bicep > trust.bicep
  azure-token-helper trust --token-claims claims.json --format terraform > trust.tf`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return v.run(cmd) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	a := &v.azure
	flags.StringVar(&a.ClientID, "client-id", "", "application that exists, and is to trust the Google account")
	flags.StringVar(&a.Application, "application", "", `name of an application to create (default "idferry")`)
	flags.StringVar(&a.Identity, "user-assigned-identity", "", "name of a managed identity to create, in place of an application")
	flags.StringVar(&a.ResourceGroup, "resource-group", "", "resource group of the managed identity")
	flags.StringVar(&a.Role, "role", "", "Azure role to give, with --role-scope")
	flags.StringVar(&a.Scope, "role-scope", "", "Azure resource id on which the role is given")
	flags.StringVar(&v.format, "format", "az", "az, terraform, bicep or json")
	flags.StringVar(&v.claims, "token-claims", "", "file with the claims of the identity's token in JSON, or with the token, in place of asking for one")
	v.settings = cli.NewSettings(flags, p.Lookup)
	v.bindShared(v.settings, 25*time.Second)
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"az", "terraform", "bicep", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (v *printTrust) run(cmd *cobra.Command) error {
	s, err := v.settle("")
	if err != nil {
		return err
	}
	defer s.close()
	if v.azure.Claims, err = v.tokenClaims(cmd.Context(), s); err != nil {
		return err
	}
	a := &v.azure
	a.Audience, a.Credential = first(v.assertionAudience, s.cloud.AssertionAudience), entra.CredentialName(a.Claims.Issuer, a.Claims.Subject)
	a.Source = v.source()
	// A private authority has no name, and is where az is signed in to already.
	if s.cloud.Known() && s.cloud.Name != "AzurePublicCloud" {
		a.Cloud = s.cloud.Name
	}
	if err := a.Check(); err != nil {
		return err
	}
	if a.ClientID == "" && a.Identity == "" {
		a.Application = first(a.Application, "idferry")
	}
	var text string
	switch v.format {
	case "az":
		text = a.Az()
	case "terraform":
		text = a.Terraform()
	case "bicep":
		text, err = a.Bicep()
	case "json":
		text, err = a.JSON()
	default:
		err = problem.Input("--format", "%q is not a format", v.format).WithHint("use az, terraform, bicep or json")
	}
	if err != nil {
		return err
	}
	_, err = v.process.Stdout.Write([]byte(text))
	return err
}

// source are the flags by which this Google identity was found; variables go on to be there.
func (v *printTrust) source() []string {
	var all []string
	for _, f := range v.settings.InForce() {
		if f.From == "--"+f.Name && slices.Contains([]string{"authority-host", "google-source", "impersonate-service-account", "google-credentials", "federated-token-file", "assertion-audience"}, f.Name) {
			all = append(all, "--"+f.Name+"="+f.Value)
		}
	}
	return all
}

// tokenClaims reads the file, or asks for a token.
func (v *printTrust) tokenClaims(ctx context.Context, s *session) (token.Claims, error) {
	if v.claims != "" {
		return trust.ReadClaims(v.claims)
	}
	identity, err := s.identity()
	if err != nil {
		return token.Claims{}, err
	}
	t, err := cli.Bounded(ctx, s.timeout, fmt.Sprintf("asking for a Google ID token (%s)", identity.Name()), func(ctx context.Context) (token.Token, error) {
		return identity.Token(ctx)
	})
	if err != nil {
		return token.Claims{}, err
	}
	return t.Value.Claims()
}
