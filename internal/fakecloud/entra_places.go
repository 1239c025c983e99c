package fakecloud

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// MoveTenant puts a tenant into another of Microsoft's clouds, MicrosoftOnline.US for one. Its discovery document is still
// answered, and names that cloud; tokens are not.
// https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud
func (e *Entra) MoveTenant(tenant, cloud string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.elsewhere[strings.ToLower(tenant)] = cloud
}

// cloud names the one that a tenant is in where it is not this one.
func (e *Entra) cloud(tenant string) (string, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	name, ok := e.elsewhere[strings.ToLower(tenant)]
	return name, ok
}

// refusesPlace refuses requests that belong elsewhere: to the global endpoint in place of a region's, or to another cloud.
func (e *Entra) refusesPlace(w http.ResponseWriter, r *http.Request, tenant string) bool {
	if regional(r.Host) {
		e.refuse(w, regionalOnly())
		return true
	}
	name, moved := e.cloud(tenant)
	switch {
	case !moved:
		return false
	case r.PostFormValue("grant_type") == "client_credentials":
		e.refuse(w, crossCloud())
	default:
		e.refuse(w, redirected(tenant, name))
	}
	return true
}

// regional reports whether host is a region's endpoint, which takes managed identities and Microsoft's own services only.
func regional(host string) bool {
	region, ok := strings.CutSuffix(host, ".login.microsoft.com")
	return ok && !strings.Contains(region, ".")
}

// serveInstance says whether a host is an authority, as MSAL asks about those that it does not know.
func (e *Entra) serveInstance(w http.ResponseWriter, r *http.Request) {
	asked, err := url.Parse(r.FormValue("authorization_endpoint"))
	if known := []string{r.Host, PublicAuthority, "login.microsoftonline.us", "login.partner.microsoftonline.cn", "login.windows.net", "login.microsoft.com"}; err != nil || !slices.Contains(known, asked.Host) {
		e.refuse(w, unknownInstance())
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"tenant_discovery_endpoint": "https://" + asked.Host + strings.TrimSuffix(asked.Path, "/oauth2/v2.0/authorize") + "/v2.0/.well-known/openid-configuration",
		"api-version":               "1.1", "metadata": instances(),
	})
}

// instances are the authorities with their other names, as the public cloud answers: MSAL looks for what it has cached
// under preferred_cache alone, so that without this it remembers nothing from one process to the next.
func instances() (metadata []any) {
	for _, aliases := range [][]string{
		{PublicAuthority, "login.windows.net", "login.microsoft.com", "sts.windows.net"},
		{"login.partner.microsoftonline.cn", "login.chinacloudapi.cn"},
		{"login.microsoftonline.de"},
		{"login.microsoftonline.us", "login.usgovcloudapi.net"},
		{"login-us.microsoftonline.com"},
	} {
		cached := aliases[0]
		if cached == PublicAuthority {
			cached = "login.windows.net"
		}
		metadata = append(metadata, map[string]any{"preferred_network": aliases[0], "preferred_cache": cached, "aliases": aliases})
	}
	return metadata
}

// Texts as https://github.com/microsoft/dev-tunnels/issues/443, https://github.com/pnp/pnpassessment/issues/34,
// https://github.com/webprofusion/certify/issues/553 and
// https://github.com/AzureAD/microsoft-authentication-library-for-go/issues/438 quote them.

func regionalOnly() refusal {
	return badRequest("invalid_request", 100007, "This request was received by an Azure AD regional authentication endpoint. Only managed identities and Microsoft internal service identities are supported. SN+I authentication is required.  All others, send your request to login.microsoftonline.com: in MSAL avoid using .WithAzureRegion(), in App Service, set REGION_NAME to null.")
}

func crossCloud() refusal {
	return badRequest("invalid_request", 900382, "Confidential Client is not supported in Cross Cloud request.")
}

func redirected(tenant, cloud string) refusal {
	return badRequest("invalid_request", 90038, "Tenant '%s' request is being redirected to the National Cloud '%s'.", tenant, cloud)
}

func unknownInstance() refusal {
	return badRequest("invalid_instance", 50049, "Unknown or invalid instance.")
}
