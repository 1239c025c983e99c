package entra

import (
	"net/url"
	"strings"

	"github.com/idferry/idferry/internal/problem"
)

// Cloud is one of Microsoft's clouds, or a private authority.
type Cloud struct {
	// Name is the name that az and kubelogin use (AzurePublicCloud, AzureUSGovernment, AzureChinaCloud), or "" for
	// a private authority.
	Name string
	// Authority is the token service's base URL with a slash at its end.
	Authority string
	// AssertionAudience is the audience a federated token must carry there.
	// https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
	AssertionAudience string
	// ResourceManager is the default resource, as `az cloud show` gives it (endpoints.activeDirectoryResourceId).
	ResourceManager string
	// Management is the base URL of Azure Resource Manager (endpoints.resourceManager), with a slash at its end.
	Management string
}

// Known reports whether the cloud is one of Microsoft's, whose endpoints need no discovery.
func (c Cloud) Known() bool { return c.Name != "" }

func clouds() []Cloud {
	return []Cloud{
		{"AzurePublicCloud", "https://login.microsoftonline.com/", "api://AzureADTokenExchange", "https://management.core.windows.net/", "https://management.azure.com/"},
		{"AzureUSGovernment", "https://login.microsoftonline.us/", "api://AzureADTokenExchangeUSGov", "https://management.core.usgovcloudapi.net/", "https://management.usgovcloudapi.net/"},
		{"AzureChinaCloud", "https://login.chinacloudapi.cn/", "api://AzureADTokenExchangeChina", "https://management.core.chinacloudapi.cn/", "https://management.chinacloudapi.cn/"},
	}
}

// CloudNames are the names of Microsoft's clouds.
func CloudNames() []string {
	var names []string
	for _, c := range clouds() {
		names = append(names, c.Name)
	}
	return names
}

// FindCloud returns the cloud for a name as any of Microsoft's tools spells it, and for an authority host where one
// is given. name "" is the public cloud, or the cloud the authority belongs to. The authority wins over the name's own.
func FindCloud(name, authorityHost string) (Cloud, error) {
	known := clouds()
	found := known[0]
	switch strings.ToLower(name) {
	case "", "azurecloud", "azurepublic", "azurepubliccloud", "public":
	case "azureusgovernment", "azureusgovernmentcloud", "azuregovernment", "usgovernment", "usgov":
		found = known[1]
	case "azurechina", "azurechinacloud", "china":
		found = known[2]
	default:
		return Cloud{}, problem.Input("cloud", "%q is not known", name).
			WithHint("use AzurePublicCloud, AzureUSGovernment or AzureChinaCloud, or name the token service with --authority-host")
	}
	if authorityHost == "" {
		return found, nil
	}
	if !strings.Contains(authorityHost, "://") {
		authorityHost = "https://" + authorityHost
	}
	u, err := url.Parse(authorityHost)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return Cloud{}, problem.Input("authority host", "%q is not an https URL of a token service", authorityHost).
			WithHint("for example --authority-host https://login.microsoftonline.com/")
	}
	base := "https://" + u.Host + strings.TrimRight(u.Path, "/") + "/"
	for _, c := range known {
		if strings.EqualFold(c.Authority, base) {
			return c, nil
		}
	}
	found.Name, found.Authority = "", base
	return found, nil
}
