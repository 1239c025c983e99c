package kubeconfig

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/idferry/idferry/internal/problem"
)

// Identity says which token a user's plugin asks for. Empty fields are not known.
type Identity struct {
	ServerID, ClientID, TenantID      string
	Environment, AuthorityHost        string
	federatedTokenFile, popClaims     string
	fromARM, clientAtRun, tenantAtRun bool
}

// args is the command line of get-token.
func (i Identity) args() []string {
	all := []string{"get-token"}
	for _, f := range []struct{ flag, value string }{
		{"--server-id", i.ServerID}, {"--client-id", i.ClientID}, {"--tenant-id", i.TenantID}, {"--environment", i.Environment},
		{"--authority-host", i.AuthorityHost}, {"--federated-token-file", i.federatedTokenFile},
	} {
		if f.value != "" {
			all = append(all, f.flag, f.value)
		}
	}
	if i.fromARM {
		all = append(all, "--use-azurerm-env-vars")
	}
	if i.popClaims != "" {
		all = append(all, "--pop-enabled", "--pop-claims", i.popClaims)
	}
	return all
}

// atRun names the variable that says at run time what the arguments leave open.
func (i Identity) atRun(suffix string) string {
	if i.fromARM {
		return "ARM_" + suffix
	}
	return "AZURE_" + suffix
}

// translated is what becomes of a user.
type translated struct {
	user  *yaml.Node
	from  string
	notes []string
}

// errNotForUs marks a user whose credential this plugin has no counterpart for, as opposed to one that lacks a value.
type errNotForUs struct{ error }

func (e errNotForUs) Unwrap() error { return e.error }

// translate returns what the user is to be. An error names what is missing, or why it cannot be done.
func (o Options) translate(u *yaml.Node) (translated, error) {
	kind, words := recognize(u, o.Command)
	t := translated{from: words}
	exec := plain(field(u, execKey))
	if exec == nil || kind == other || kind == authProvider {
		exec = newExec()
	}
	var id Identity
	var err error
	switch kind {
	case helper:
		if call, bad := parseCall(values(field(exec, "args"))); bad != nil || !call.unlikeOurs() {
			set(exec, "command", str(o.Command))
			set(exec, "args", strs(o.Given.onto(values(field(exec, "args")))))
			t.user = rewritten(u, exec)
			return t, nil
		}
		fallthrough
	case kubelogin:
		id, err = t.fromKubelogin(exec)
	case authProvider:
		id, err = t.fromAuthProvider(field(field(u, authProviderKey), "config"))
	}
	if err != nil {
		return t, err
	}
	if id, err = o.complete(id, kind, words); err != nil {
		return t, err
	}
	if id.ClientID == "" {
		t.note("the application is the one in %s when kubectl runs the plugin, as before", id.atRun("CLIENT_ID"))
	}
	if id.TenantID == "" {
		t.note("the tenant is the one in %s when kubectl runs the plugin, as before", id.atRun("TENANT_ID"))
	}
	o.point(exec, id)
	t.user = rewritten(u, exec)
	return t, nil
}

// unlikeOurs reports whether a command line was kubelogin's and would not do for this plugin.
func (c call) unlikeOurs() bool {
	return len(c.secrets) > 0 || c.given("login") && c.login != "workloadidentity"
}

func (t *translated) note(format string, args ...any) {
	t.notes = append(t.notes, fmt.Sprintf(format, args...))
}

// fromKubelogin reads the exec section of kubelogin, and takes out of its env what this plugin has no use for.
func (t *translated) fromKubelogin(exec *yaml.Node) (Identity, error) {
	c, err := parseCall(values(field(exec, "args")))
	if err != nil {
		return Identity{}, errNotForUs{fmt.Errorf("its command line cannot be read: %w", err)}
	}
	used := c.override(variables(exec))
	if c.pop != (c.popClaims != "") {
		return Identity{}, errNotForUs{fmt.Errorf("it has one of --pop-enabled and --pop-claims, and kubelogin too refuses one without the other")}
	}
	t.from = "kubelogin --login " + c.login
	t.dropVariables(exec, used)
	for _, s := range c.secrets {
		t.note("%s is gone: no secret is needed, and only the copy of the file still has it", s)
	}
	if c.legacy {
		// Only its former device code login added the prefix, to tokens for AKS with Entra integration of the first kind.
		t.note("--legacy is gone: it put spn: before the audience for clusters that AKS no longer runs")
	}
	id := Identity{ServerID: c.serverID, TenantID: c.tenantID, Environment: c.environment, AuthorityHost: c.authorityHost, popClaims: c.popClaims}
	switch {
	case slices.Contains(publicClients(), strings.ToLower(c.clientID)), !slices.Contains(loginMethods(), c.login):
		if c.clientID != "" {
			t.note("the client id %s is the one that people sign in with, so it is not taken over", c.clientID)
		}
	default:
		id.ClientID = c.clientID
	}
	if c.login == "workloadidentity" {
		id.federatedTokenFile = c.federatedToken
		id.clientAtRun, id.tenantAtRun = c.clientID == "", c.tenantID == ""
	}
	if c.azurermVars && slices.Contains(loginMethods(), c.login) && (!slices.Contains(used, "ARM_CLIENT_ID") || !slices.Contains(used, "ARM_TENANT_ID")) {
		id.fromARM, id.clientAtRun, id.tenantAtRun = true, id.ClientID == "", id.TenantID == ""
	}
	return id, nil
}

// fromAuthProvider reads the section that `az aks get-credentials --format azure` writes.
// https://pkg.go.dev/k8s.io/client-go@v0.25.0/plugin/pkg/client/auth/azure
func (t *translated) fromAuthProvider(config *yaml.Node) (Identity, error) {
	if id := valueOf(field(config, "client-id")); id != "" {
		t.note("the client id %s is the one that people sign in with, so it is not taken over", id)
	}
	if mode := valueOf(field(config, "config-mode")); mode == "" || mode == "0" {
		// kubelogin's convert-kubeconfig turns this into --legacy for people, and into nothing for workload identity.
		t.note("config-mode 0 put spn: before the audience; as with kubelogin's workload identity, that is left out")
	}
	for _, key := range []string{"access-token", "refresh-token"} {
		if valueOf(field(config, key)) != "" {
			t.note("the stored %s is gone: only the copy of the file still has it", key)
		}
	}
	return Identity{
		ServerID: valueOf(field(config, "apiserver-id")), TenantID: valueOf(field(config, "tenant-id")),
		Environment: valueOf(field(config, "environment")),
	}, nil
}

// complete adds what was given on the command line, then what the environment says, and refuses what is still missing.
func (o Options) complete(id Identity, kind source, words string) (Identity, error) {
	given := o.Given
	id.ServerID = first(given.ServerID, id.ServerID)
	id.Environment, id.AuthorityHost = first(given.Environment, id.Environment), first(given.AuthorityHost, id.AuthorityHost)
	id.ClientID, id.TenantID = first(given.ClientID, id.ClientID), first(given.TenantID, id.TenantID)
	if given.ClientID != "" || given.TenantID != "" {
		id.fromARM = false
	}
	if !id.clientAtRun {
		id.ClientID = first(id.ClientID, o.Default.ClientID)
	}
	if !id.tenantAtRun {
		id.TenantID = first(id.TenantID, o.Default.TenantID)
	}
	switch {
	case id.ServerID == "" && kind == other:
		return id, problem.Input("--server-id", "%s and names no API server of Azure's", words).
			WithHint("say which application the API server takes tokens for; for AKS: --server-id 6dae42f8-4368-4678-94ff-3960e28e3630")
	case id.ServerID == "":
		return id, problem.Input("--server-id", "its %s names no API server", words).
			WithHint("for AKS: --server-id 6dae42f8-4368-4678-94ff-3960e28e3630")
	case id.ClientID == "" && !id.clientAtRun:
		return id, problem.Input("--client-id", "nothing says which Entra application trusts the Google account").
			WithHint("give --client-id APPLICATION or AZURE_CLIENT_ID; az ad app list --display-name NAME --query '[].appId' -o tsv")
	case id.TenantID == "" && !id.tenantAtRun:
		return id, problem.Input("--tenant-id", "nothing says which Entra tenant the application is in").
			WithHint("give --tenant-id TENANT or AZURE_TENANT_ID; az account show --query tenantId -o tsv")
	}
	if o.Check != nil {
		return id, o.Check(id)
	}
	return id, nil
}

// onto puts what was given on the command line into a command line of this plugin, whose other flags stay.
func (i Identity) onto(args []string) []string {
	args = slices.Clone(args)
	for _, f := range []struct{ long, short, value string }{
		{"--server-id", "", i.ServerID}, {"--client-id", "", i.ClientID}, {"--tenant-id", "-t", i.TenantID},
		{"--environment", "-e", i.Environment}, {"--authority-host", "", i.AuthorityHost},
	} {
		if f.value != "" {
			args = withFlag(args, f.long, f.short, f.value)
		}
	}
	return args
}

func withFlag(args []string, long, short, value string) []string {
	for n, a := range args {
		switch {
		case (a == long || a == short && short != "") && n+1 < len(args):
			args[n+1] = value
			return args
		case strings.HasPrefix(a, long+"="):
			args[n] = long + "=" + value
			return args
		case short != "" && strings.HasPrefix(a, short) && a != short:
			args[n] = short + value
			return args
		}
	}
	return append(args, long, value)
}

func first(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}
