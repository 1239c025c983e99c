package entra

import (
	"strings"
	"testing"

	"github.com/idferry/idferry/internal/problem"
)

func TestCloudsAsEveryToolSpellsThem(t *testing.T) {
	for _, c := range []struct{ name, authority, wantAuthority, wantAudience string }{
		{"", "", "https://login.microsoftonline.com/", "api://AzureADTokenExchange"},
		{"AzureCloud", "", "https://login.microsoftonline.com/", "api://AzureADTokenExchange"},
		{"AzurePublicCloud", "https://login.microsoftonline.com", "https://login.microsoftonline.com/", "api://AzureADTokenExchange"},
		{"AzureUSGovernment", "", "https://login.microsoftonline.us/", "api://AzureADTokenExchangeUSGov"},
		{"azureusgovernmentcloud", "", "https://login.microsoftonline.us/", "api://AzureADTokenExchangeUSGov"},
		{"AZURECHINACLOUD", "", "https://login.chinacloudapi.cn/", "api://AzureADTokenExchangeChina"},
		// AKS's webhook sets the authority alone.
		{"", "https://login.chinacloudapi.cn/", "https://login.chinacloudapi.cn/", "api://AzureADTokenExchangeChina"},
		{"", "login.microsoftonline.us", "https://login.microsoftonline.us/", "api://AzureADTokenExchangeUSGov"},
		// A private authority takes the audience of the cloud it is named with.
		{"AzureChinaCloud", "https://127.0.0.1:8443/", "https://127.0.0.1:8443/", "api://AzureADTokenExchangeChina"},
	} {
		got, err := FindCloud(c.name, c.authority)
		if err != nil || got.Authority != c.wantAuthority || got.AssertionAudience != c.wantAudience || got.Known() != !strings.Contains(got.Authority, "127.0.0.1") {
			t.Errorf("%q %q: %+v %v", c.name, c.authority, got, err)
		}
	}
	for _, c := range [][2]string{{"moon", ""}, {"", "http://login.microsoftonline.com/"}, {"", "https://"}, {"", "https://user@host/"}, {"", "https://host/?x"}} {
		if _, err := FindCloud(c[0], c[1]); problem.From(err) == nil || !problem.From(err).Misuse {
			t.Errorf("%v: %v", c, err)
		}
	}
}

func TestScopesNameAResource(t *testing.T) {
	for _, good := range []string{"api://app/.default", "https://storage.azure.com/.default", "https://management.core.windows.net//.default", bareClientID + "/.default", "api://app/Data.Read"} {
		if err := CheckScope("--scope", good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", ".default", "/.default", "api:///.default", "https:///.default", "api://a/.default api://b/.default", "openid", "api://app /.default"} {
		if e := problem.From(CheckScope("--scope", bad)); e == nil || !e.Misuse || !strings.HasPrefix(e.Message, "--scope: ") {
			t.Errorf("%q: %v", bad, e)
		}
	}
	for resource, ok := range map[string]bool{"api://app": true, "https://storage.azure.com/": true, "api://app/.default": false, "": false, "api://": false} {
		if err := CheckResource("--resource", resource); (err == nil) != ok {
			t.Errorf("%q: %v", resource, err)
		}
	}
}

// bareClientID is a resource that is a bare client id.
const bareClientID = "6dae42f8-4368-4678-94ff-3960e28e3630"
