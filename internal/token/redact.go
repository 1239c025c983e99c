package token

import (
	"regexp"
	"strings"
)

// Redactor removes what looks like a credential from text that an upstream or a child process wrote: JWTs,
// Google's opaque access tokens, the values of bearer headers and of the parameters that carry credentials.
// It is compiled when first needed (an error or a log line), never on the way to a cached token.
type Redactor struct{ patterns []*regexp.Regexp }

// NewRedactor compiles the patterns.
func NewRedactor() *Redactor {
	return &Redactor{[]*regexp.Regexp{
		// A JWS or JWE in compact form (RFC 7515, 7516): base64url parts joined by dots, the first one opening with {".
		regexp.MustCompile(`eyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*){0,4}`),
		// Google access tokens and federated tokens.
		regexp.MustCompile(`ya29\.[A-Za-z0-9_.-]+`),
		regexp.MustCompile(`(?i)(bearer\s+)[A-Za-z0-9._~+/=-]{8,}`),
		regexp.MustCompile(`(?i)((?:client_assertion|client_secret|subject_token|access_token|refresh_token|id_token|assertion|password)["'\\]*\s*[=:]\s*["'\\]*)[^\s"'\\&,}]{8,}`),
		regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)`),
	}}
}

// Clean returns text with every credential replaced by [redacted].
func (r *Redactor) Clean(text string) string {
	for _, p := range r.patterns {
		replacement := redacted
		if p.NumSubexp() > 0 {
			replacement = "${1}" + redacted
		}
		text = p.ReplaceAllString(text, replacement)
	}
	return text
}

// Quote makes somebody else's words fit to be shown in an error: cleaned, on one line, of at most `most` bytes, without a
// full stop at the end.
func Quote(text string, most int) string {
	return strings.TrimRight(cut(Line(NewRedactor().Clean(text)), most), " .")
}
