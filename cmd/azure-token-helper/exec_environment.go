package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/idferry/idferry/internal/launch"
	"github.com/idferry/idferry/internal/oidcrequest"
)

// overruling are the variables by which Azure's libraries, azurerm and its backends take another identity, or one that
// ends: certificate, secret, static token and service connection come before the request URL and the token file.
func overruling() []string {
	return []string{
		"AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_USERNAME", "AZURE_PASSWORD",
		"ARM_CLIENT_SECRET", "ARM_CLIENT_SECRET_FILE_PATH", "ARM_CLIENT_ID_FILE_PATH",
		"ARM_CLIENT_CERTIFICATE", "ARM_CLIENT_CERTIFICATE_PATH", "ARM_CLIENT_CERTIFICATE_PASSWORD",
		"ARM_OIDC_TOKEN", "ARM_OIDC_TOKEN_FILE_PATH", "ARM_USE_AKS_WORKLOAD_IDENTITY", "ARM_USE_MSI",
		"ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID", "ARM_OIDC_AZURE_SERVICE_CONNECTION_ID", "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID",
	}
}

// environment is what the program is started with.
func (v *execute) environment(s *session, endpoint *oidcrequest.Endpoint, file, bin string) launch.Environment {
	env, dropped := launch.Environment(v.process.Environ()).Without(overruling()...)
	v.process.NotPassedOn(dropped, "the Google identity")
	for _, name := range []string{"ARM_ACCESS_KEY", "ARM_SAS_TOKEN"} {
		// It may be how the state is meant to be read, by an identity without a role there.
		if env.Get(name) != "" {
			_, _ = fmt.Fprintf(v.process.Stderr, "%s: %s is passed on, and the azurerm backend takes it in place of the Google identity\n", v.process.Name, name)
		}
	}
	// What the program itself or an az of ours asks takes the same file, whatever chose the identity here.
	env = env.Set("IDFERRY_GOOGLE_SOURCE", "token-file")
	for _, set := range []struct{ flag, name, value string }{{"cache", "IDFERRY_CACHE", v.cache.Mode}, {"cache-dir", "IDFERRY_CACHE_DIR", v.cache.Dir}, {"log-file", "IDFERRY_LOG", v.logFile}} {
		if v.settings.Given(set.flag) {
			env = env.Set(set.name, set.value)
		}
	}
	for name, value := range map[string]string{
		"AZURE_FEDERATED_TOKEN_FILE": file, "AZURE_CLIENT_ID": s.clientID, "AZURE_TENANT_ID": s.tenantID, "AZURE_AUTHORITY_HOST": s.cloud.Authority,
		"ARM_USE_OIDC": "true", "ARM_OIDC_REQUEST_URL": endpoint.URL, "ARM_OIDC_REQUEST_TOKEN": endpoint.Token.Reveal(),
	} {
		env = env.Set(name, value)
	}
	// With an az of ours at hand, whoever chose that keeps it.
	if chosen := strings.ToLower(env.Get("AZURE_TOKEN_CREDENTIALS")); bin == "" || chosen != "azureclicredential" && chosen != "azuredeveloperclicredential" {
		env = env.Set("AZURE_TOKEN_CREDENTIALS", "WorkloadIdentityCredential")
	}
	// Terraform may be another application than the rest: the Google ID token is none's in particular.
	env = v.unlessSet(env, "client-id", "ARM_CLIENT_ID", s.clientID)
	env = v.unlessSet(env, "tenant-id", "ARM_TENANT_ID", s.tenantID)
	for _, name := range []string{"AZURE_SUBSCRIPTION_ID", "ARM_SUBSCRIPTION_ID"} {
		env = v.unlessSet(env, "subscription", name, v.subscription)
	}
	// Else a setting that azurerm cannot use turns into an az silently.
	env = v.unlessSet(env, "", "ARM_USE_CLI", "false")
	// https://learn.microsoft.com/azure/storage/common/storage-use-azcopy-authorize-azure-active-directory
	env = v.unlessSet(env, "", "AZCOPY_AUTO_LOGIN_TYPE", "WORKLOAD")
	// Azure's backends and providers do not read AZURE_AUTHORITY_HOST.
	if name := map[string]string{"AzureUSGovernment": "usgovernment", "AzureChinaCloud": "china"}[s.cloud.Name]; name != "" {
		env = env.Set("ARM_ENVIRONMENT", name)
	}
	if bin != "" {
		env = env.Set("PATH", bin+string(os.PathListSeparator)+env.Get("PATH"))
	}
	return env
}

// unlessSet sets a variable that has no value of its own, or for which a flag was typed.
func (v *execute) unlessSet(env launch.Environment, flag, name, value string) launch.Environment {
	if value == "" || env.Get(name) != "" && !v.typed[flag] {
		return env
	}
	return env.Set(name, value)
}
