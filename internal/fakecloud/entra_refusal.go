package fakecloud

import (
	"crypto/rand"
	"fmt"
	"net/http"
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
