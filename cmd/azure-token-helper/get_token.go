package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/idferry/idferry/internal/azcli"
	"github.com/idferry/idferry/internal/cli"
	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/kubeexec"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/toazure"
	"github.com/idferry/idferry/internal/token"
)

// aksServerID is the application of every AKS API server with Entra integration.
// https://azure.github.io/kubelogin/concepts/aks.html
const aksServerID = "6dae42f8-4368-4678-94ff-3960e28e3630"

func formats() []string { return []string{"exec", "az", "azd", "raw", "header", "env"} }

// getToken is the verb whose flags mean what kubelogin's mean, so that a kubeconfig changes by its command alone.
type getToken struct {
	federation
	login, serverID, resource, output string
	popEnabled                        bool
	popClaims, claims                 string
	cae                               bool
	scopes                            []string
}

func newGetToken(p cli.Process) *cobra.Command {
	v := &getToken{federation: federation{process: p}}
	cmd := &cobra.Command{
		Use: "get-token", Short: "Print an Entra token for kubectl, a tool or a script",
		Long: `Print an Entra token in the form that its reader takes: kubectl's (the default), that of az or azd, or plain for
a script. The flags are kubelogin's wherever it has them, so that a kubeconfig changes by its command alone.

A remembered token with more than ten minutes left is printed as it is. Otherwise the Google identity's ID
token is exchanged at Entra ID for a new one.`,
		Example: "  azure-token-helper get-token --server-id " + aksServerID + " --client-id APP --tenant-id TENANT\n" +
			"  azure-token-helper get-token -o raw --resource https://vault.azure.net",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			document, err := v.run(cmd)
			if err == nil {
				_, err = p.Stdout.Write(document)
			}
			return err
		},
	}
	cmd.Flags().SortFlags = false
	v.bind(cmd.Flags(), 25*time.Second)
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// bind adds the flags. limit is the verb's own deadline.
func (v *getToken) bind(flags *pflag.FlagSet, limit time.Duration) {
	v.bindAll(flags, limit)
	v.settings.String(&v.output, "output", "o", "exec", "exec (ExecCredential for kubectl), az, azd, raw, header (an Authorization line) or env (export lines)")
	v.settings.String(&v.serverID, "server-id", "", "", "application of the API server; AKS: "+aksServerID)
	v.settings.String(&v.resource, "resource", "", "", "App ID URI or URL of what the token is for")
	v.settings.Strings(&v.scopes, "scope", "scope to ask for, in place of --resource; may be repeated")
	v.settings.String(&v.login, "login", "l", "workloadidentity", "taken for kubelogin's sake; workloadidentity is the only way there is here")
	v.settings.String(&v.claims, "claims", "", "", "claims challenge of a resource that refused the token, in base64 as it came or in JSON")
	v.settings.Bool(&v.cae, "enable-cae", "announce continuous access evaluation: longer tokens, for callers that take up claims challenges")
	v.settings.Bool(&v.popEnabled, "pop-enabled", "print a proof of possession in place of a bearer token, for clusters connected to Azure Arc")
	v.settings.String(&v.popClaims, "pop-claims", "", "", "u=RESOURCE-ID of the connected cluster, with --pop-enabled")
	v.settings.Bool(&v.azurermVars, "use-azurerm-env-vars", "take the application and tenant from ARM_CLIENT_ID and ARM_TENANT_ID")
	// kubelogin switches that describe what always holds here.
	for name, why := range map[string]string{
		"disable-instance-discovery":   "instance discovery is never asked",
		"disable-environment-override": "a flag always wins over its variable",
	} {
		flags.Bool(name, true, why)
		_ = flags.MarkHidden(name)
	}
}

func (v *getToken) run(cmd *cobra.Command) ([]byte, error) {
	request, err := kubeexec.ReadRequest(v.process.Lookup)
	if err != nil && v.output == "exec" {
		return nil, err
	}
	s, err := v.open("")
	if err != nil {
		return nil, err
	}
	defer s.close()
	scopes, err := v.resolveScopes()
	if err != nil {
		return nil, err
	}
	print, err := v.printer(s, request)
	if err != nil {
		return nil, err
	}
	if v.login != "workloadidentity" {
		return nil, problem.Input("--login", "%q starts from an Azure identity, and azure-token-helper from a Google one", v.login).
			WithHint("leave --login out, or keep kubelogin for this user")
	}
	host, err := v.possessionHost()
	if err != nil {
		return nil, err
	}
	challenge, err := decodeClaims(v.claims)
	if err != nil {
		return nil, err
	}
	t, err := s.token(cmd.Context(), toazure.Wish{Scopes: scopes, Claims: challenge, Bound: host != "", CAE: v.cae})
	if err == nil && host != "" {
		t, err = prove(t, host, v.process.Now())
	}
	if err != nil {
		return nil, err
	}
	return print(t), nil
}

// prove makes a proof of possession for a cluster of a bound token.
func prove(t token.Token, host string, now time.Time) (token.Token, error) {
	var err error
	t.Value, err = entra.Prove(t.Value, host, now)
	if end := now.Add(entra.ProofLife); end.Before(t.ExpiresOn) {
		t.ExpiresOn = end
	}
	return t, err
}

// printer returns the contract that -o names.
func (v *getToken) printer(s *session, request kubeexec.Request) (func(token.Token) []byte, error) {
	now := v.process.Now
	switch v.output {
	case "exec":
		return func(t token.Token) []byte { return kubeexec.Credential(request, t, now()) }, nil
	case "az":
		return func(t token.Token) []byte { return azcli.NewAccessToken(t, s.tenantID, "", time.Local).JSON() }, nil
	case "azd":
		return azcli.DeveloperToken, nil
	case "raw":
		return func(t token.Token) []byte { return fmt.Appendln(nil, t.Value.Reveal()) }, nil
	case "header":
		return func(t token.Token) []byte { return fmt.Appendf(nil, "Authorization: Bearer %s\n", t.Value.Reveal()) }, nil
	case "env":
		return func(t token.Token) []byte {
			return fmt.Appendf(nil, "export AZURE_ACCESS_TOKEN='%s'\nexport AZURE_ACCESS_TOKEN_EXPIRES_ON=%d\n", t.Value.Reveal(), t.ExpiresOn.Unix())
		}, nil
	}
	return nil, problem.Input("--output", "%q is not a format", v.output).WithHint("use one of %s", strings.Join(formats(), ", "))
}

// possessionHost is the cluster that a proof of possession is for, or "" for a bearer token. The rules are kubelogin's.
func (v *getToken) possessionHost() (string, error) {
	const hint = "--pop-enabled --pop-claims u=RESOURCE-ID; az connectedk8s show --name NAME --resource-group GROUP --query id -o tsv"
	switch {
	case !v.popEnabled && v.popClaims == "":
		return "", nil
	case !v.popEnabled:
		return "", problem.Input("--pop-claims", "it belongs to --pop-enabled").WithHint(hint)
	case v.output != "exec" && v.output != "raw":
		return "", problem.Input("--pop-enabled", "a proof of possession is no bearer token, as -o %s has it", v.output).WithHint("use -o exec or -o raw")
	}
	for _, claim := range strings.Split(v.popClaims, ",") {
		if name, value, _ := strings.Cut(claim, "="); strings.TrimSpace(name) == "u" && strings.TrimSpace(value) != "" {
			return strings.TrimSpace(value), nil
		}
	}
	return "", problem.Input("--pop-claims", "%q does not say u=RESOURCE-ID of the connected cluster", v.popClaims).WithHint(hint)
}

func (v *getToken) resolveScopes() ([]string, error) {
	given := 0
	for _, set := range []bool{v.serverID != "", v.resource != "", len(v.scopes) > 0} {
		if set {
			given++
		}
	}
	switch {
	case given > 1:
		return nil, problem.Input("--scope", "--server-id, --resource and --scope exclude each other; one of them says what the token is for")
	case v.serverID != "":
		return []string{entra.ScopeOf(v.serverID)}, entra.CheckResource("--server-id", v.serverID)
	case v.resource != "":
		return []string{entra.ScopeOf(v.resource)}, entra.CheckResource("--resource", v.resource)
	case len(v.scopes) > 0:
		return v.scopes, checkScopes(v.scopes)
	case v.output == "exec":
		return nil, problem.Input("--server-id", "it is missing: which API server is the token for?").WithHint("for AKS: --server-id %s", aksServerID)
	default:
		return nil, problem.Input("--resource", "it is missing: what is the token for?").WithHint("for example --resource https://storage.azure.com")
	}
}

func checkScopes(scopes []string) error {
	for _, scope := range scopes {
		if err := entra.CheckScope("--scope", scope); err != nil {
			return err
		}
	}
	return nil
}
