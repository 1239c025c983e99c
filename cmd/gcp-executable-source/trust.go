package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/idferry/idferry/internal/cli"
	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/pluggable"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/sts"
	"github.com/idferry/idferry/internal/token"
	"github.com/idferry/idferry/internal/trust"
)

// printTrust is the verb that prints what makes Google Cloud trust the Azure identity.
type printTrust struct {
	identity       *source
	google         trust.Google
	format, claims string
	admit          string
}

func newTrust(p cli.Process) *cobra.Command {
	v := &printTrust{identity: &source{process: p}}
	cmd := &cobra.Command{
		Use: "trust", Short: "Print what makes Google Cloud trust this Azure identity, as gcloud commands or Terraform",
		Long: `Print what makes Google Cloud trust the Azure identity of this machine, pod, pipeline or person: a workload
identity pool, a provider with the issuer and audience of its token and a condition that admits it alone, and
what the identity may act as. Nothing is run: whoever administers the project reads it, and runs it.

The token is asked for here and now, as the protocol would; or its claims are read from a file, so that somebody
else can make the trust elsewhere: gcp-executable-source doctor --json shows them, and so does https://jwt.ms.`,
		Example: `  gcp-executable-source trust --resource api://my-app --project my-project --service-account reader@my-project.iam.gserviceaccount.com
  gcp-executable-source trust --resource api://my-app --project my-project --role roles/bigquery.jobUser --format terraform > trust.tf
  gcp-executable-source trust --resource api://my-app --project my-project --role roles/storage.objectViewer --on gs://my-bucket
  gcp-executable-source trust --token-claims claims.json --project my-project --format json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return v.run(cmd.Context(), p) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	g := &v.google
	flags.StringVar(&g.Project, "project", "", "id or number of the project that gets the pool")
	flags.StringVar(&g.Pool, "pool", "azure", "workload identity pool to create")
	flags.StringVar(&g.Provider, "provider", "entra", "provider of the pool to create")
	flags.StringVar(&g.ServiceAccount, "service-account", "", "e-mail of the service account that the identity may act as")
	flags.StringVar(&g.Role, "role", "", "role for the identity itself, in place of --service-account")
	flags.StringVar(&g.On, "on", "project", "what the role is given on: project, gs://BUCKET, projects/PROJECT/secrets/SECRET, …/topics/TOPIC or …/subscriptions/SUBSCRIPTION")
	flags.StringVar(&v.admit, "admit", "identity", "who gets into the pool: identity, or tenant for every one of the tenant")
	flags.StringVar(&v.format, "format", "gcloud", "gcloud, terraform or json")
	flags.StringVar(&v.claims, "token-claims", "", "file with the claims of the identity's token in JSON, or with the token, in place of asking for one")
	identity := pflag.NewFlagSet("", pflag.ContinueOnError)
	identity.SortFlags = false
	v.identity.bind(identity)
	flags.AddFlagSet(identity)
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"gcloud", "terraform", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (v *printTrust) run(ctx context.Context, p cli.Process) error {
	if err := v.identity.settings.Resolve(); err != nil {
		return err
	}
	if v.admit != "identity" && v.admit != "tenant" {
		return problem.Input("--admit", "%q is neither identity nor tenant", v.admit)
	}
	claims, scope, err := v.tokenClaims(ctx, p)
	if err != nil {
		return err
	}
	v.google.Claims, v.google.WholeTenant, v.google.Condition, v.google.Identity = claims, v.admit == "tenant", sts.Admits(claims), v.flags(scope)
	if err := v.google.Check(); err != nil {
		return err
	}
	var text string
	switch v.format {
	case "gcloud":
		text = v.google.Gcloud()
	case "terraform":
		text = v.google.Terraform()
	case "json":
		if text, err = v.google.JSON(); err != nil {
			return err
		}
	default:
		return problem.Input("--format", "%q is not a format", v.format).WithHint("use gcloud, terraform or json")
	}
	for _, w := range v.google.Warnings() {
		_, _ = fmt.Fprintf(p.Stderr, "%s: note: %s\n", p.Name, cli.OneLine(w))
	}
	_, err = p.Stdout.Write([]byte(text))
	return err
}

// tokenClaims reads the file, or asks for a token without remembering it. scope is what it was asked for with.
func (v *printTrust) tokenClaims(ctx context.Context, p cli.Process) (_ token.Claims, scope string, _ error) {
	if v.claims != "" {
		claims, err := trust.ReadClaims(v.claims)
		return claims, entra.ScopeOf(strings.Join(claims.Audience, "")), err
	}
	request := pluggable.Request{}
	request.Audience, _ = p.Lookup("GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE")
	scope, err := v.identity.resolveScope(request)
	if err != nil {
		return token.Claims{}, "", err
	}
	identity, err := v.identity.identity(request, nil)
	if err != nil {
		return token.Claims{}, "", err
	}
	limit := v.identity.timeout
	if identity.NeedsPerson() {
		limit = max(limit, v.identity.signIn)
	}
	t, err := cli.Bounded(ctx, max(limit, time.Second), "asking for a token for "+scope+" with "+identity.Name(), func(ctx context.Context) (token.Token, error) {
		return identity.Token(ctx, scope)
	})
	if err != nil {
		return token.Claims{}, "", err
	}
	claims, err := t.Value.Claims()
	if err != nil {
		return claims, "", problem.New(problem.BadAnswer, "the token for %s is %w", strings.TrimSuffix(scope, "/.default"), err).
			WithHint("name an application of your own with --resource: Google cannot read the tokens of Microsoft's own services")
	}
	return claims, scope, nil
}

// flags are those by which the file's command finds this identity again, as config takes them: those that were given here,
// and always what is asked for. Variables go on to be there, or belong to whoever reads claims of another machine.
func (v *printTrust) flags(scope string) []string {
	asks := "--resource=" + strings.TrimSuffix(scope, "/.default")
	var selecting []string
	for _, f := range v.identity.settings.InForce() {
		given := f.From == "--"+f.Name
		switch {
		case f.Name == "resource" && given, f.Name == "scope" && (given || v.claims == ""):
			asks = "--" + f.Name + "=" + f.Value
		case given && slices.Contains([]string{"credential", "tenant-id", "client-id", "object-id", "resource-id", "federated-token-file", "cloud", "authority-host"}, f.Name):
			selecting = append(selecting, "--"+f.Name+"="+f.Value)
		}
	}
	return append(selecting, asks)
}
