package azure

import (
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
	"github.com/idferry/idferry/internal/upstream"
)

// client is azcore's options for asking Entra ID through our HTTP client.
func (s Settings) client() azcore.ClientOptions {
	transport := s.HTTP
	if transport == nil {
		transport = upstream.NewClient(upstream.Options{RequireJSON: true, Log: s.Log})
	}
	return azcore.ClientOptions{
		Cloud:     cloud.Configuration{ActiveDirectoryAuthorityHost: s.Cloud.Authority},
		Transport: &keeper{client: transport},
		Telemetry: policy.TelemetryOptions{ApplicationID: "idferry"},
		// Within our own deadline of 25 seconds.
		Retry: policy.RetryOptions{MaxRetries: 3, RetryDelay: 500 * time.Millisecond, MaxRetryDelay: 8 * time.Second},
	}
}

// keeper remembers the last failure of a transport and the last answer's headers: azidentity turns both into text, and
// an error has to be told apart by more than its words.
type keeper struct {
	client *http.Client
	mu     sync.Mutex
	err    error
	header http.Header
	status int
}

// Do implements policy.Transporter.
func (k *keeper) Do(r *http.Request) (*http.Response, error) {
	resp, err := k.client.Do(r)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.err, k.header, k.status = err, nil, 0
	if err == nil {
		k.header, k.status = resp.Header, resp.StatusCode
	}
	return resp, err
}

// failure is the last request's, or nil when it was answered.
func (k *keeper) failure() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.err
}

func (k *keeper) answered() (int, http.Header) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.status, k.header
}

// explainKept is explainEntra that knows the transport's own error, which azidentity only quotes.
func explainKept(o azcore.ClientOptions) func(error) error {
	kept, _ := o.Transport.(*keeper)
	return func(err error) error {
		if kept != nil {
			if unanswered := upstream.Unreachable(kept.failure()); unanswered != nil {
				if unanswered.Code == problem.Unreachable {
					return unanswered.WithHint("check the address (--authority-host), the proxy (HTTPS_PROXY, NO_PROXY) and the network")
				}
				return unanswered
			}
		}
		return explainEntra(err)
	}
}

// replaced points requests for the fixed metadata address at base, where one is set.
func replaced(base string) (func(*url.URL), error) {
	if base == "" {
		return nil, nil
	}
	to, err := url.Parse(base)
	if err != nil || to.Host == "" || (to.Scheme != "http" && to.Scheme != "https") {
		return nil, problem.Input("$AZURE_POD_IDENTITY_AUTHORITY_HOST", "%q is not a URL", base).WithHint("for example http://169.254.169.254")
	}
	return func(u *url.URL) {
		if u.Host == imdsAddress {
			u.Scheme, u.Host = to.Scheme, to.Host
		}
	}, nil
}

func input(name, value string) token.Input { return token.Input{Name: name, Value: value} }
