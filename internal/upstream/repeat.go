package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

// Repeater is azcore's retry policy as an HTTP client, for libraries that repeat nothing themselves: MSAL, and Google's
// exchange of tokens.
type Repeater struct {
	pipeline runtime.Pipeline
	client   *http.Client
}

// firstPause is before the second try.
const firstPause = 300 * time.Millisecond

// NewRepeater returns one for requests that have to end with ctx.
func NewRepeater(ctx context.Context, client *http.Client) Repeater {
	options := policy.ClientOptions{
		Transport: client,
		// The libraries name themselves in headers of their own.
		Telemetry: policy.TelemetryOptions{Disabled: true},
		Retry:     policy.RetryOptions{MaxRetries: 3, RetryDelay: firstPause, ShouldRetry: worthRepeating},
	}
	if deadline, ok := ctx.Deadline(); ok {
		// A Retry-After beyond the deadline is not waited for: the throttling says more than a deadline that passed.
		options.Retry.MaxRetryDelay = max(time.Until(deadline), time.Millisecond)
		tries := 0
		options.Retry.ShouldRetry = func(resp *http.Response, err error) bool {
			tries++
			// Nor is azcore's own pause (calcDelay), for the same reason.
			pause := firstPause * (1<<min(tries, 10) - 1) * 13 / 10
			return worthRepeating(resp, err) && time.Until(deadline) > pause
		}
	}
	return Repeater{runtime.NewPipeline("idferry", "", runtime.PipelineOptions{}, &options), client}
}

// Lasting reports whether err is what the next try cannot change: a name that does not exist, a certificate that is not
// trusted.
func Lasting(err error) bool {
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	return errors.As(err, &dns) && dns.IsNotFound || errors.As(err, &certificate)
}

// worthRepeating is azcore's own choice of status codes, and every failure that does not last.
func worthRepeating(resp *http.Response, err error) bool {
	if err != nil {
		return !Lasting(err)
	}
	switch resp.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// Do sends a request.
func (c Repeater) Do(r *http.Request) (*http.Response, error) {
	request, err := runtime.NewRequestFromRequest(r)
	if err != nil {
		return nil, err
	}
	return c.pipeline.Do(request)
}

// CloseIdleConnections implements MSAL's HTTPClient.
func (c Repeater) CloseIdleConnections() { c.client.CloseIdleConnections() }
