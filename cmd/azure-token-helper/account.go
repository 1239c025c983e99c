package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/idferry/idferry/internal/azcli"
	"github.com/idferry/idferry/internal/cli"
	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/toazure"
	"github.com/idferry/idferry/internal/token"
)

// toolLimit is the deadline under the names az and azd: the Azure SDKs wait ten seconds for those tools. The process has
// ended, error and all, within nine.
const toolLimit = 8700 * time.Millisecond

// newAccount is the `account` group of az.
func newAccount(p cli.Process) *cobra.Command {
	group := azGroup(p, "account", "Tokens as the Azure CLI prints them",
		cli.Asked(p, 1, cli.Named("get-access-token", newGetAccessToken), cli.Named("show", newAccountShow), cli.Named("list", newAccountList),
			cli.Named("set", newAccountSet), cli.Named("clear", newAccountClear))...)
	group.Example = "  az account get-access-token --resource https://storage.azure.com -o json\n  az account show"
	return group
}

// getAccessToken is what every Azure SDK runs.
type getAccessToken struct {
	federation
	resource, resourceType, tenant string
	scopes                         []string
	subscription                   func() string
}

func newGetAccessToken(p cli.Process) *cobra.Command {
	v := &getAccessToken{federation: federation{process: p}}
	cmd := &cobra.Command{
		Use: "get-access-token", Short: "Print a token as `az account get-access-token` does",
		Example: "  az account get-access-token --resource https://storage.azure.com -o json\n" +
			"  az account get-access-token --scope https://vault.azure.net/.default --query accessToken -o tsv",
	}
	flags := cmd.Flags()
	flags.StringVar(&v.resource, "resource", "", "resource of the token")
	flags.StringVar(&v.resourceType, "resource-type", "", "resource of the token by its kind: "+strings.Join(azcli.ResourceTypes(), ", "))
	flags.StringArrayVar(&v.scopes, "scope", nil, "scopes of the token, by default those of Azure Resource Manager")
	flags.StringVarP(&v.tenant, "tenant", "t", "", "Entra tenant [$AZURE_TENANT_ID]")
	v.subscription = bindSubscription(flags)
	v.bindTool(flags)
	return azVerb(p, cmd, nil, func(ctx context.Context) (any, error) { return v.run(ctx, cmd.CommandPath()) })
}

func (v *getAccessToken) run(ctx context.Context, command string) (any, error) {
	if v.resourceType != "" && !slices.Contains(azcli.ResourceTypes(), v.resourceType) {
		return nil, azcli.Choice(command, v.resourceType, "--resource-type", azcli.ResourceTypes())
	}
	s, err := v.open(v.tenant)
	if err != nil {
		return nil, err
	}
	defer s.close()
	v.tenantID = s.tenantID
	account, err := v.account()
	if err != nil {
		return nil, err
	}
	if want := v.subscription(); want != "" && !account.Is(want) {
		// Any subscription of the tenant takes the token, and its id is all that az would say of it.
		if !azcli.IsID(want) {
			return nil, unknownSubscription(account, want)
		}
		account.SubscriptionID = want
	}
	if v.tenant != "" {
		account.SubscriptionID = "" // as az, whose answer to --tenant names no subscription
	}
	scopes, err := v.scopesOf(s.cloud)
	if err != nil {
		return nil, err
	}
	t, err := s.token(ctx, toazure.Wish{Scopes: scopes})
	if err != nil {
		return nil, err
	}
	return azcli.NewAccessToken(t, s.tenantID, account.SubscriptionID, time.Local).Document(), nil
}

// scopesOf follows az: --scope wins over --resource, and that over --resource-type.
func (v *getAccessToken) scopesOf(cloud entra.Cloud) ([]string, error) {
	resource := v.resource
	if resource == "" && v.resourceType != "" {
		active, _, err := v.clouds()
		if err != nil {
			return nil, err
		}
		var key string
		if resource, key = active.ResourceOf(v.resourceType); resource == "" {
			return nil, problem.New(problem.BadInput, "The endpoint '%s' is not set in cloud '%s'", key, active.Name).WithHint("name it with --resource")
		}
	}
	var scopes []string
	for _, s := range v.scopes {
		scopes = append(scopes, strings.Fields(s)...)
	}
	if len(scopes) > 0 {
		resource = ""
	}
	return scopesOf(resource, scopes, cloud)
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

// failAsAz shows err as az does: one line on stderr, 2 for a command line it cannot read, 1 otherwise.
func failAsAz(p cli.Process, err error) int {
	var ended exitCode
	if errors.As(err, &ended) {
		return int(ended)
	}
	e := problem.From(err)
	_, _ = p.Stderr.Write([]byte(azcli.Error(token.NewRedactor().Clean(e.Sentence())) + "\n"))
	if e.Misuse {
		return cli.ExitMisuse
	}
	return cli.ExitFailure
}
