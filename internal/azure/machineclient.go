package azure

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/managedidentity"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/upstream"
)

// imds is the address of the instance metadata service. It is Google's metadata server's too.
const imds = "169.254.169.254"

// machineOptions are azidentity's, for requests to a machine's own endpoints and, in the default chain, to Entra.
func (s Settings) machineOptions(where managedidentity.Source, rewrite func(*url.URL)) azcore.ClientOptions {
	options := azcore.ClientOptions{
		Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: s.Cloud.Authority}, Telemetry: policy.TelemetryOptions{Disabled: true},
	}
	if where == managedidentity.ServiceFabric {
		options.Transport, options.PerRetryPolicies = s.pinnable(), []policy.Policy{witnessing{}}
		return options
	}
	options.Transport = s.machineClient(rewrite)
	return options
}

// machineClient makes requests to a machine's own endpoints. They answer at once or not at all, and somebody else may
// answer in their place.
func (s Settings) machineClient(rewrite func(*url.URL)) *http.Client {
	client := s.HTTP
	if client == nil {
		client = upstream.NewClient(s.machineTransport())
	}
	return witnessed(client, watched{rewrite: rewrite, look: googleAnswered})
}

// machineTransport is for endpoints on the machine or beside it. None is asked through a proxy, which would read the secret
// that goes with the request and answer for another machine.
func (s Settings) machineTransport() upstream.Options {
	o := upstream.Options{DialTimeout: 2 * time.Second, RequireJSON: true, Log: s.Log}
	for _, variable := range []string{"IDENTITY_ENDPOINT", "MSI_ENDPOINT", podIdentityVariable} {
		if u, err := url.Parse(s.env(variable)); err == nil && u.Host != "" {
			o.Direct = append(o.Direct, u.Hostname())
		}
	}
	return o
}

const podIdentityVariable = "AZURE_POD_IDENTITY_AUTHORITY_HOST"

// podIdentity sends requests for the instance metadata service to AZURE_POD_IDENTITY_AUTHORITY_HOST, as azidentity for
// Python and JavaScript do; the Go one knows the variable and does not use it.
func (s Settings) podIdentity() (func(*url.URL), error) {
	const variable = podIdentityVariable
	host := s.env(variable)
	if host == "" {
		return nil, nil
	}
	base, err := url.Parse(strings.TrimRight(host, "/"))
	if err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") {
		return nil, problem.Input(variable, "%q is not the URL of a server", host).WithHint("for example export %s=http://127.0.0.1:2579", variable)
	}
	return func(u *url.URL) {
		if u.Hostname() == imds {
			u.Scheme, u.Host, u.Path = base.Scheme, base.Host, base.Path+u.Path
		}
	}, nil
}

// googleAnswered is the error for an answer of Google's metadata server, which has the same address. Repeating the request
// changes nothing, and DefaultAzureCredential's probe takes any answer for Azure's
// (https://github.com/Azure/azure-sdk-for-go/issues/25996).
func googleAnswered(resp *http.Response, body []byte) error {
	if resp.Header.Get("Metadata-Flavor") != "Google" && !strings.HasPrefix(resp.Header.Get("Server"), "Metadata Server for") &&
		!strings.HasPrefix(resp.Header.Get("Server"), "GKE Metadata Server") && !bytes.HasPrefix(body, []byte("GKE Metadata Server")) {
		return nil
	}
	return problem.New(problem.NoIdentity, "managed identity: Google's metadata server answered %d at %s; this is a machine of Google Cloud, without a managed identity", resp.StatusCode, imds).
		WithHint("choose another --credential; from a Google identity to Azure it is azure-token-helper that helps")
}
