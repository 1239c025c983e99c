package kubeconfig

import (
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// loginMethods of kubelogin whose client id is an application or managed identity, which can trust a Google account.
// That of the others (devicecode, interactive, ropc) is the public client that a person signs in with.
// https://azure.github.io/kubelogin/concepts/login-modes.html
func loginMethods() []string { return []string{"workloadidentity", "spn", "msi", "azurepipelines"} }

// publicClients are Microsoft's own applications for people: AKS and Arc. Nobody can make them trust anything.
// https://azure.github.io/kubelogin/concepts/aks.html, https://azure.github.io/kubelogin/concepts/azure-arc.html
func publicClients() []string {
	return []string{"80faf920-1908-4b52-b5ef-a8e7bedfc67a", "3f4439ff-e698-4d6d-84fe-09c9d574f06b"}
}

// call is a command line of kubelogin's get-token, with what its environment changes in it.
type call struct {
	login, serverID, clientID, tenantID          string
	environment, authorityHost, federatedToken   string
	popClaims                                    string
	azurermVars, legacy, pop, keepsToCommandLine bool
	secrets                                      []string // flags that hold a secret
	given                                        func(flag string) bool
}

// parseCall reads args as kubelogin v0.2.22 does (pkg/internal/token/options.go), older names included.
func parseCall(args []string) (call, error) {
	c := call{}
	flags := pflag.NewFlagSet("kubelogin", pflag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	flags.StringVarP(&c.login, "login", "l", "devicecode", "")
	flags.StringVar(&c.serverID, "server-id", "", "")
	flags.StringVar(&c.clientID, "client-id", "", "")
	flags.StringVarP(&c.tenantID, "tenant-id", "t", "", "")
	flags.StringVarP(&c.environment, "environment", "e", "", "")
	flags.StringVar(&c.authorityHost, "authority-host", "", "")
	flags.StringVar(&c.federatedToken, "federated-token-file", "", "")
	flags.BoolVar(&c.azurermVars, "use-azurerm-env-vars", false, "")
	flags.BoolVar(&c.legacy, "legacy", false, "")
	flags.BoolVar(&c.pop, "pop-enabled", false, "")
	flags.StringVar(&c.popClaims, "pop-claims", "", "")
	flags.BoolVar(&c.keepsToCommandLine, "disable-environment-override", false, "")
	secret := []string{"client-secret", "client-certificate-password", "password"}
	for _, name := range append(secret, "client-certificate", "username", "identity-resource-id", "redirect-url",
		"login-hint", "azure-pipelines-service-connection-id", "cache-dir", "token-cache-dir", "timeout") {
		flags.String(name, "", "")
	}
	flags.StringP("subscription", "s", "", "")
	flags.Bool("disable-instance-discovery", false, "")
	// klog's flags, which kubelogin has on every verb.
	flags.StringP("v", "v", "", "")
	flags.Bool("logtostderr", false, "")
	if err := flags.Parse(args); err != nil {
		return c, err
	}
	if !slices.Equal(flags.Args(), []string{"get-token"}) {
		return c, errNoGetToken{flags.Args()}
	}
	for _, name := range secret {
		if flags.Changed(name) {
			c.secrets = append(c.secrets, "--"+name)
		}
	}
	c.given = flags.Changed
	return c, nil
}

type errNoGetToken struct{ words []string }

func (e errNoGetToken) Error() string {
	if len(e.words) == 0 {
		return "its arguments have no verb, and get-token is the one that kubectl needs"
	}
	return "its arguments are " + strings.Join(e.words, " ") + ", not get-token"
}

// variable is an entry of exec.env.
type variable struct{ name, value string }

// override lets the variables of exec.env change c as kubelogin lets them (UpdateFromEnv), and returns the names of
// those whose value c holds now.
func (c *call) override(env []variable) []string {
	if c.keepsToCommandLine {
		return nil
	}
	var used []string
	take := func(p *string, names ...string) {
		for _, name := range names {
			for _, v := range env {
				if v.name == name && v.value != "" {
					*p = v.value
					used = append(used, name)
				}
			}
		}
	}
	take(&c.login, "AAD_LOGIN_METHOD")
	used = nil // the method is not among our arguments
	if c.azurermVars {
		take(&c.clientID, "ARM_CLIENT_ID")
		take(&c.tenantID, "ARM_TENANT_ID")
	} else {
		take(&c.clientID, "AAD_SERVICE_PRINCIPAL_CLIENT_ID", "AZURE_CLIENT_ID")
		take(&c.tenantID, "AZURE_TENANT_ID")
	}
	if c.login == "workloadidentity" {
		take(&c.clientID, "AZURE_CLIENT_ID")
		take(&c.federatedToken, "AZURE_FEDERATED_TOKEN_FILE")
		take(&c.authorityHost, "AZURE_AUTHORITY_HOST")
	}
	return used
}

// foreign reports whether a variable speaks to Azure's own tools only. What remains is read by this plugin too
// (AZURE_ENVIRONMENT, proxies, certificates, everything of Google's) or does no harm.
func foreign(name string) bool {
	if slices.Contains([]string{"AZURE_ENVIRONMENT", "AZURE_AUTHORITY_HOST"}, name) {
		return false
	}
	if name == "KUBECACHEDIR" {
		return true
	}
	return slices.ContainsFunc([]string{"AAD_", "AZURE_", "ARM_", "ACTIONS_ID_TOKEN_", "SYSTEM_", "AZURESUBSCRIPTION_", "AZD_"},
		func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}
