package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/idferry/idferry/internal/cache"
	"github.com/idferry/idferry/internal/catalogue"
	"github.com/idferry/idferry/internal/cli"
	"github.com/idferry/idferry/internal/doctor"
	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/resourcemanager"
	"github.com/idferry/idferry/internal/sts"
	"github.com/idferry/idferry/internal/token"
)

// doctorLimit is doctor's own deadline; a person waits for it.
const doctorLimit = 12 * time.Second

// examine is the verb that walks from the Google identity to a call in Azure.
type examine struct {
	// call is what get-token would be asked for.
	call            *getToken
	flags           *pflag.FlagSet
	kubeconfig      string
	context         string
	resourceManager string
	trust           string
	cli.Doctor
}

func newDoctor(p cli.Process, code *int) *cobra.Command {
	v := &examine{call: &getToken{federation: federation{process: p}}}
	cmd := &cobra.Command{
		Use: "doctor", Short: "Walk from the Google identity to a call in Azure, and show which hop fails and what mends it",
		Long: `Walk the way of a token hop by hop, as a person would who looks for what is wrong: settings, network,
clock, Google identity, exchange at Entra ID, a call. The first cross is the cause; below it stand what
was presented, what is expected, and the command that mends it. Nothing is changed or written.

Exit codes: 0 all is well, 1 there is something to mend, 2 something could not be checked, or the
command line is unusable.`,
		Example: "  azure-token-helper doctor\n" +
			"  azure-token-helper doctor --context my-aks\n" +
			"  azure-token-helper doctor --resource https://storage.azure.com --json\n" +
			"  az ad app federated-credential list --id APP > trust.json; azure-token-helper doctor --trust trust.json\n" +
			"  azure-token-helper doctor --explain 'AADSTS700213: No matching federated identity record found'",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			*code, err = v.run(cmd.Context())
			return err
		},
	}
	v.flags = cmd.Flags()
	v.flags.SortFlags = false
	v.call.bindAll(v.flags, doctorLimit)
	b := v.call.settings
	b.String(&v.call.resource, "resource", "", "", "App ID URI or URL of what the token is for (default: Azure Resource Manager)")
	b.Strings(&v.call.scopes, "scope", "scope to ask for, in place of --resource; may be repeated")
	b.String(&v.call.serverID, "server-id", "", "", "application of an API server, in place of --resource")
	b.String(&v.kubeconfig, "kubeconfig", "", "", "examine a user of this kubeconfig, with kubectl (default: $KUBECONFIG, else ~/.kube/config, where --context is given)")
	b.String(&v.context, "context", "", "", "context of the kubeconfig (default: its current one)")
	b.String(&v.resourceManager, "resource-manager", "", "", "URL of Azure Resource Manager (default: the cloud's)", "IDFERRY_RESOURCE_MANAGER")
	b.String(&v.trust, "trust", "", "", "file with what the application trusts, as az ad app federated-credential list or az identity federated-credential list prints it: presented and expected are compared")
	v.Doctor.Bind(v.flags)
	return cmd
}

func (v *examine) run(ctx context.Context) (int, error) {
	if v.Explain != "" {
		return v.Doctor.ExplainText(v.call.process, slices.Concat(entra.Catalogue(), sts.Catalogue(), catalogue.Own()))
	}
	var plugin *clusterUser
	if v.kubeconfig != "" || v.context != "" {
		var err error
		if plugin, err = v.findPlugin(); err != nil {
			return cli.ExitMisuse, err
		}
	}
	trusted, err := readTrust(v.trust)
	if err != nil {
		return cli.ExitMisuse, err
	}
	s, unusable := v.call.settle("")
	if s == nil {
		s = &session{federation: v.call.federation, close: func() {}}
	}
	if s.close != nil {
		defer s.close()
	}
	report := doctor.Report{Program: "azure-token-helper", Version: cli.ReadVersion(version).Version}
	for _, f := range v.call.settings.InForce() {
		if !slices.Contains([]string{"timeout", "json", "explain"}, f.Name) {
			report.Settings = append(report.Settings, doctor.Setting(f))
		}
	}
	return v.Doctor.Run(ctx, v.call.process, s.timeout, report, func(x *doctor.Examination) { v.walk(x, s, unusable, trusted, plugin) })
}

// walk examines the hops. unusable is what is wrong with the settings.
func (v *examine) walk(x *doctor.Examination, s *session, unusable error, trusted []entra.FederatedCredential, plugin *clusterUser) {
	now := s.process.Now
	exchange := entra.Exchange{Cloud: s.cloud, TenantID: s.tenantID, ClientID: s.clientID, Log: s.log, Now: now}
	settings := x.Hop("settings", func(_ context.Context, h *doctor.Hop) error {
		if unusable != nil {
			return unusable
		}
		h.Summary = fmt.Sprintf("application %s in tenant %s, %s", s.clientID, s.tenantID, first(s.cloud.Name, s.cloud.Authority))
		return exchange.Check()
	})
	way := doctor.NewWay(s.cloud.Authority+s.tenantID+"/v2.0/.well-known/openid-configuration", s.process.Lookup, now)
	way.Judge = entra.JudgeDiscovery(s.tenantID)
	network := x.Hop("way to Entra ID", way.Examine, settings)
	x.Hop("clock", way.Clock)
	var assertion token.Token
	identity := x.Hop("Google identity", func(ctx context.Context, h *doctor.Hop) (err error) {
		if unusable != nil && s.cloud.AssertionAudience == "" {
			return doctor.Skip("not tried: settings first")
		}
		assertion, err = s.examineIdentity(ctx, h)
		return err
	})
	var granted token.Token
	scopes, wrong := v.call.wanted(s)
	exchanged := x.Hop("exchange at Entra ID", func(ctx context.Context, h *doctor.Hop) (err error) {
		if wrong != nil {
			return wrong
		}
		h.Summary = "for " + strings.Join(scopes, " ")
		exchange.Assertion = token.SourceFunc(func(context.Context) (token.Token, error) { return assertion, nil })
		granted, err = exchange.Token(ctx, scopes, "")
		if err != nil {
			claims, _ := assertion.Value.Claims()
			h.Differences = entraDifferences(problem.From(err), claims, s.cloud, trusted)
			return err
		}
		h.Claims(granted, now())
		return nil
	}, settings, network, identity)
	if plugin != nil {
		x.Hop("kubectl", plugin.whoami, exchanged)
	} else {
		x.Hop("call to Azure", func(ctx context.Context, h *doctor.Hop) error { return v.callAzure(ctx, h, s, scopes, granted) }, exchanged)
	}
	x.Hop("cache", func(ctx context.Context, h *doctor.Hop) error {
		return doctor.Cache(ctx, h, cache.Open(cache.Options{Mode: s.mode, Dir: s.cache.Dir, Lookup: s.process.Lookup, Now: now, Log: s.log}))
	})
}

// examineIdentity gets a Google ID token and shows what it says.
func (s *session) examineIdentity(ctx context.Context, h *doctor.Hop) (token.Token, error) {
	identity, err := s.identity()
	if err != nil {
		return token.Token{}, err
	}
	h.Summary = identity.Name()
	if why := identity.Why(); why != "" {
		h.Summary += " (" + why + ")"
	}
	t, err := identity.Token(ctx)
	if err != nil {
		return token.Token{}, err
	}
	now := s.process.Now()
	claims, _ := h.Claims(t, now)
	if left := t.ExpiresOn.Sub(now); left < 10*time.Minute {
		h.Warn(fmt.Sprintf("it has %s left: the source hands out tokens that it keeps, the metadata server down to about five minutes; exec renews what it gives its program for as long as it can", doctor.Long(left)))
	}
	if wanted := s.cloud.AssertionAudience; wanted != "" && !slices.Contains(claims.Audience, wanted) {
		h.Warn(fmt.Sprintf("its audience is %s, and %s expects %s unless its federated credential says otherwise", strings.Join(claims.Audience, " "), first(s.cloud.Name, "this cloud"), wanted))
	}
	return t, nil
}

// wanted returns the scopes to ask for.
func (v *getToken) wanted(s *session) ([]string, error) {
	if v.serverID == "" && v.resource == "" && len(v.scopes) == 0 {
		return []string{entra.ScopeOf(s.cloud.ResourceManager)}, nil
	}
	return v.resolveScopes()
}

// callAzure proves the token where there is a call that every identity may make.
func (v *examine) callAzure(ctx context.Context, h *doctor.Hop, s *session, scopes []string, t token.Token) error {
	if !slices.Equal(scopes, []string{entra.ScopeOf(s.cloud.ResourceManager)}) {
		return doctor.Skip("no call is known that everybody may make with a token for " + strings.Join(scopes, " "))
	}
	endpoint := first(v.resourceManager, s.cloud.Management)
	tenants, err := resourcemanager.Tenants(ctx, s.log, endpoint, t.Value)
	if e := problem.From(err); e != nil && (e.Code == problem.Unreachable || e.Code == problem.DeadlineExceeded) {
		// The token is proof enough that the trust works; a private network may have no way there.
		return doctor.Uncheckable(err)
	}
	if err != nil {
		return err
	}
	h.Summary = "Azure Resource Manager knows it in " + strings.Join(tenants, ", ")
	if len(tenants) == 0 {
		h.Summary = "Azure Resource Manager takes the token"
	}
	return nil
}
