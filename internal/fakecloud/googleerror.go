package fakecloud

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
)

// apiError is the error body of Google's REST APIs.
// https://cloud.google.com/apis/design/errors#http_mapping
type apiError struct {
	Code    int              `json:"code"`
	Message string           `json:"message"`
	Errors  []map[string]any `json:"errors,omitempty"`
	Status  string           `json:"status"`
	Details []map[string]any `json:"details,omitempty"`
}

func (e apiError) write(w http.ResponseWriter) { writeJSON(w, e.Code, map[string]any{"error": e}) }

// writeAuth writes an error of the layer in front of every API; message and reason are its older, second form.
func (e apiError) writeAuth(w http.ResponseWriter, info, service, message, reason string) {
	e.Errors = []map[string]any{{"message": message, "domain": "global", "reason": reason}}
	if e.Code == http.StatusUnauthorized {
		e.Errors[0]["location"], e.Errors[0]["locationType"] = "Authorization", "header"
	}
	e.Details = []map[string]any{errorInfo(info, "googleapis.com", map[string]string{"service": service})}
	e.write(w)
}

func errorInfo(reason, domain string, metadata map[string]string) map[string]any {
	return map[string]any{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": domain, "metadata": metadata}
}

func invalidArgument(message string) apiError {
	return apiError{Code: http.StatusBadRequest, Status: "INVALID_ARGUMENT", Message: message}
}

// oauthError is the error body of the token endpoint and of STS (RFC 6749 section 5.2).
type oauthError struct {
	status            int
	code, description string
}

func (e *oauthError) write(w http.ResponseWriter) {
	writeJSON(w, e.status, map[string]string{"error": e.code, "error_description": e.description})
}

func invalidGrant(description string) *oauthError {
	return &oauthError{http.StatusBadRequest, "invalid_grant", description}
}

func invalidRequest(description string) *oauthError {
	return &oauthError{http.StatusBadRequest, "invalid_request", description}
}

// htmlError writes the page that Google's front ends show for an address they do not serve.
func htmlError(w http.ResponseWriter, status int, sentence string) {
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<!DOCTYPE html>\n<html lang=en>\n  <meta charset=utf-8>\n"+
		"  <meta name=viewport content=\"initial-scale=1, minimum-scale=1, width=device-width\">\n"+
		"  <title>Error %d (%s)!!1</title>\n"+
		"  <a href=//www.google.com/><span id=logo aria-label=Google></span></a>\n"+
		"  <p><b>%d.</b> <ins>That’s an error.</ins>\n  <p>%s  <ins>That’s all we know.</ins>\n",
		status, http.StatusText(status), status, strings.TrimSpace(sentence))
}

// escaped is a request's path as it may stand in a page.
func escaped(r *http.Request) string {
	return html.EscapeString((&url.URL{Path: r.URL.Path}).EscapedPath())
}
