package fakecloud

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// refusal is an error answer of the token service. Texts are the ones that documentation and issue threads quote;
// https://learn.microsoft.com/entra/identity-platform/reference-error-codes lists the codes.
type refusal struct {
	status int
	name   string // OAuth error
	code   int    // AADSTS number
	text   string
}

func (e *Entra) refuse(w http.ResponseWriter, r refusal) {
	trace, correlation := newGUID(), newGUID()
	at := e.now().UTC().Format("2006-01-02 15:04:05Z")
	writeJSON(w, r.status, map[string]any{
		"error":             r.name,
		"error_description": fmt.Sprintf("AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s", r.code, r.text, trace, correlation, at),
		"error_codes":       []int{r.code}, "timestamp": at, "trace_id": trace, "correlation_id": correlation,
		"error_uri": fmt.Sprintf("https://login.microsoftonline.com/error?code=%d", r.code),
	})
}

func newGUID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

const checkFederated = " Please check your federated identity credential Subject, Audience and Issuer against the presented assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation"

func invalidClient(code int, format string, args ...any) refusal {
	return refusal{http.StatusUnauthorized, "invalid_client", code, fmt.Sprintf(format, args...)}
}

func badRequest(name string, code int, format string, args ...any) refusal {
	return refusal{http.StatusBadRequest, name, code, fmt.Sprintf(format, args...)}
}

// Refuse refuses so many requests for tokens from now on with an AADSTS code: for what is a state of the
// service and not of an application. Fewer than none are all, until Refuse(0, 0).
func (e *Entra) Refuse(code, times int) {
	if _, known := outOfOrder(code); !known && code != 0 {
		panic("no text is known for that code")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.refused, e.refusals, e.while = code, times, nil
}

// RefuseWhile refuses with a code for as long as a state lasts that is none of the service's own.
func (e *Entra) RefuseWhile(code int, while func() bool) {
	e.Refuse(code, -1)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.while = while
}

// RefuseFederatedAsOnce makes AADSTS70021 the one code for federated tokens that nothing matches, as some parts of the
// service still have it, in place of one each for issuer, subject and audience.
func (e *Entra) RefuseFederatedAsOnce() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.oneCode = true
}

func (e *Entra) refusesNow(w http.ResponseWriter) bool {
	e.mu.Lock()
	code, refuses, while := e.refused, e.refusals != 0, e.while
	if e.refusals > 0 {
		e.refusals--
	}
	e.mu.Unlock()
	// It may look at the service's own state.
	if !refuses || while != nil && !while() {
		return false
	}
	r, _ := outOfOrder(code)
	if r.status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
	}
	e.refuse(w, r)
	return true
}

// outOfOrder are refusals that no state of an application brings about.
func outOfOrder(code int) (refusal, bool) {
	all := []refusal{
		invalidClient(7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."),
		badRequest("invalid_tenant", 900023, "Specified tenant identifier 'nowhere' is neither a valid DNS name, nor a valid external domain."),
		crossCloud(), redirected("contoso.onmicrosoft.us", "MicrosoftOnline.US"), unknownInstance(), regionalOnly(),
		badRequest("invalid_scope", 70011, "The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid."),
		{http.StatusServiceUnavailable, "temporarily_unavailable", 90033, "A transient error has occurred. Please try again."},
		{http.StatusServiceUnavailable, "temporarily_unavailable", 90006, "External server retryable error."},
		{http.StatusServiceUnavailable, "temporarily_unavailable", 50033, "A transient error has occurred. Please try again."},
		{http.StatusTooManyRequests, "temporarily_unavailable", 90055, "Tenant request has been throttled because too many requests have been made. Please try again later."},
		// An answer to people's assertions (on behalf of them), which neither program presents; a federated credential's
		// unknown key is AADSTS7000272. Text: https://github.com/Azure/azure-sdk-for-java/issues/25109
		badRequest("invalid_grant", 50013, "Assertion failed signature validation. [Reason - The provided signature value did not match the expected signature value., Thumbprint of key used by client: '977B10FB9D1C087E3105564B1D31B09D247BEBCD', Found key 'Start=02/07/2021 17:00:39, End=02/06/2026 17:00:39']."),
		badRequest("invalid_grant", 50076, "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access '%s'.", "resource"),
		badRequest("invalid_grant", 50079, "Due to a configuration change made by your administrator, or because you moved to a new location, you must enroll in multi-factor authentication to access '%s'.", "resource"),
		badRequest("invalid_grant", 50173, "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password."),
		badRequest("invalid_grant", 700082, "The refresh token has expired due to inactivity. The token was issued on 2026-01-01T00:00:00.0000000Z and was inactive for 90.00:00:00."),
		badRequest("invalid_grant", 70043, "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access."),
	}
	for _, r := range all {
		if r.code == code {
			return r, true
		}
	}
	return refusal{}, false
}

// state refuses an application that has proved itself, for what it is in the tenant.
func (a Application) state(resource string) *refusal {
	var no refusal
	switch {
	case a.Disabled:
		no = badRequest("unauthorized_client", 7000112, "Application '%s'(%s) is disabled.", a.ClientID, a.ClientID)
	case a.Blocked:
		no = badRequest("invalid_grant", 53003, "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.")
	case a.NeedsConsent:
		no = badRequest("invalid_grant", 65001, "The user or administrator has not consented to use the application with ID '%s' named '%s'. Send an interactive authorization request for this user and resource.", a.ClientID, resource)
	default:
		return nil
	}
	return &no
}

// noFederated is the older answer, with all three. Text: https://github.com/external-secrets/external-secrets/issues/2783
func noFederated(issuer, subject string, audiences []string) refusal {
	return invalidClient(70021, "No matching federated identity record found for presented assertion. Assertion Issuer: '%s'. Assertion Subject: '%s'. Assertion Audience: '%s'. https://learn.microsoft.com/entra/workload-id/workload-identity-federation",
		issuer, subject, strings.Join(audiences, " "))
}

// unknownFederatedKey is about a key that the issuer does not publish, or not any more.
// Text: https://github.com/Azure/azure-workload-identity/issues/1232
func unknownFederatedKey(raw, issuer string) refusal {
	kid := ""
	if parsed, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.RS256}); err == nil {
		kid = parsed.Headers[0].KeyID
	}
	return invalidClient(7000272, "The certificate with identifier %s used to sign the federated credential could not be found in the metadata of identity provider %s. Please validate that your Identity Provider's metadata exposes the key used to sign the incoming token.", kid, issuer)
}
