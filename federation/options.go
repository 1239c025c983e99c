package federation

import (
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"

	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/token"
)

// Cache keeps tokens from one process to the next. Package federation/cache opens the one that there is, sealed with a key
// of the operating system's keyring and shared with both programs of this module. The zero Cache keeps nothing.
type Cache = token.Store

// ClientOptions are what both ways have in common. The zero value is usable.
type ClientOptions struct {
	// Cloud is the Azure cloud to ask for tokens: cloud.AzureGovernment, cloud.AzureChina, or one with an
	// ActiveDirectoryAuthorityHost of its own. The default is AZURE_AUTHORITY_HOST, or the public cloud.
	Cloud cloud.Configuration
	// Cache keeps tokens beyond the process. The default keeps none.
	Cache Cache
	// Timeout bounds one attempt to get a token, retries included. Callers wait no longer than their own contexts say. The
	// default is 25 seconds.
	Timeout time.Duration
	// HTTPClient makes the requests. The default honours HTTPS_PROXY and NO_PROXY, asks no metadata service through a
	// proxy, and follows no redirect, since it would carry an assertion to another host; so should another.
	HTTPClient *http.Client
	// Logger receives debug lines, which hold no token. The default is none.
	Logger *slog.Logger

	// now is the clock, for tests.
	now func() time.Time
}

const defaultTimeout = 25 * time.Second

func (o ClientOptions) memory() *memory {
	m := &memory{now: o.clock(), limit: o.Timeout, store: o.Cache}
	if m.limit == 0 {
		m.limit = defaultTimeout
	}
	return m
}

func (o ClientOptions) clock() func() time.Time {
	if o.now != nil {
		return o.now
	}
	return time.Now
}

func (o ClientOptions) cloud() (entra.Cloud, error) {
	return entra.FindCloud("", or(o.Cloud.ActiveDirectoryAuthorityHost, "AZURE_AUTHORITY_HOST"))
}

// or returns value, or else that of the first variable that has one.
func or(value string, variables ...string) string {
	for _, name := range variables {
		if value == "" {
			value = os.Getenv(name)
		}
	}
	return value
}
