package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/idferry/idferry/internal/azcli"
	"github.com/idferry/idferry/internal/cli"
	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/problem"
)

// clouds resolves the settings and returns every cloud, and the one in use.
func (f *federation) clouds() (azcli.Cloud, []azcli.Cloud, error) {
	if err := f.settings.Resolve(); err != nil {
		return azcli.Cloud{}, nil, err
	}
	cloud, err := entra.FindCloud(f.environment, f.authorityHost)
	if err != nil {
		return azcli.Cloud{}, nil, err
	}
	clouds := azcli.Clouds(cloud.ResourceManager, cloud.Authority)
	active := azcli.Cloud{}
	for _, c := range clouds {
		if c.Active {
			active = c
		}
	}
	return active, clouds, nil
}

// account is whom the settings make of the caller. It asks nobody, and needs no Google identity.
func (f *federation) account() (azcli.Account, error) {
	cloud, _, err := f.clouds()
	if err != nil {
		return azcli.Account{}, err
	}
	return azcli.Account{Cloud: cloud.Name, TenantID: f.tenantID, ClientID: f.clientID,
		SubscriptionID: first(f.process.Getenv("AZURE_SUBSCRIPTION_ID"), f.process.Getenv("ARM_SUBSCRIPTION_ID"))}, f.checkAccount()
}

// checkAccount says what az would call not being logged in.
func (f *federation) checkAccount() error {
	var missing []string
	for _, v := range []struct{ name, value string }{{"AZURE_TENANT_ID", f.tenantID}, {"AZURE_CLIENT_ID", f.clientID}} {
		if v.value == "" {
			missing = append(missing, v.name)
		}
	}
	if len(missing) > 0 {
		return problem.New(problem.BadInput, "there is no account, because %s is not set", strings.Join(missing, " and ")).
			WithHint("export AZURE_TENANT_ID=TENANT AZURE_CLIENT_ID=APPLICATION")
	}
	return entra.Exchange{TenantID: f.tenantID, ClientID: f.clientID}.Check()
}

// bindSubscription adds the four ways in which az takes a subscription.
func bindSubscription(flags *pflag.FlagSet) func() string {
	var subscription, name string
	flags.StringVarP(&subscription, "subscription", "s", "", "id of the subscription [$AZURE_SUBSCRIPTION_ID, $ARM_SUBSCRIPTION_ID]")
	flags.StringVarP(&name, "name", "n", "", "the same")
	return func() string { return first(subscription, name) }
}

func newAccountShow(p cli.Process) *cobra.Command {
	f := &federation{process: p}
	cmd := &cobra.Command{Use: "show", Short: "Print the subscription, tenant and application in use",
		Example: "  az account show --query tenantId -o tsv"}
	wanted := bindSubscription(cmd.Flags())
	f.bindTool(cmd.Flags())
	return azVerb(p, cmd, nil, func(context.Context) (any, error) {
		a, err := f.account()
		if err != nil {
			return nil, err
		}
		switch want := wanted(); {
		case want == "" || a.Is(want):
		case a.SubscriptionID == "" && azcli.IsID(want):
			a.SubscriptionID = want
		default:
			return nil, unknownSubscription(a, want)
		}
		return a.Show(), nil
	})
}

// unknownSubscription is az's error, and what to do here.
func unknownSubscription(a azcli.Account, want string) error {
	hint := "a subscription is known by its id alone here: export AZURE_SUBSCRIPTION_ID=ID"
	if a.SubscriptionID != "" {
		hint = "the one known here is " + a.SubscriptionID + " (AZURE_SUBSCRIPTION_ID or ARM_SUBSCRIPTION_ID)"
	}
	return azcli.NotFound(want).WithHint("%s", hint)
}

func newAccountList(p cli.Process) *cobra.Command {
	f := &federation{process: p}
	cmd := &cobra.Command{Use: "list", Short: "Print the one account there is, as a list",
		Example: "  az account list -o table"}
	cmd.Flags().Bool("all", false, "taken for az's sake")
	cmd.Flags().Bool("refresh", false, "taken for az's sake")
	f.bindTool(cmd.Flags())
	return azVerb(p, cmd, azcli.AccountTable, func(context.Context) (any, error) {
		a, err := f.account()
		if err != nil {
			return nil, err
		}
		return a.List(), nil
	})
}

// newAccountSet keeps nothing: the subscription is the environment's to say.
func newAccountSet(p cli.Process) *cobra.Command {
	f := &federation{process: p}
	cmd := &cobra.Command{Use: "set", Short: "Succeed for the subscription in use, and for no other",
		Example: "  az account set --subscription 00000000-0000-0000-0000-000000000000"}
	wanted := bindSubscription(cmd.Flags())
	f.bindTool(cmd.Flags())
	return azVerb(p, cmd, nil, func(context.Context) (any, error) {
		if !cmd.Flags().Changed("subscription") && !cmd.Flags().Changed("name") {
			return nil, azcli.Required("--subscription/-s/--name/-n")
		}
		a, err := f.account()
		if err != nil || a.Is(wanted()) {
			return nil, err
		}
		return nil, problem.New(problem.BadInput, "The subscription of '%s' doesn't exist in cloud '%s'", strings.ToLower(wanted()), a.Cloud).
			WithHint("nothing is kept between calls here: export AZURE_SUBSCRIPTION_ID=ID")
	})
}
