// Package token holds what every other room passes on: a token, when it ends, and the inputs that
// decide whose it is. It knows no cloud and makes no request.
package token

import (
	"context"
	"time"
)

// Token is a bearer credential with the times that govern its use.
type Token struct {
	// Value is the credential itself. It prints as [redacted]; only Reveal shows it.
	Value Secret
	// ExpiresOn is the instant the issuer stops accepting the token, in UTC.
	ExpiresOn time.Time
	// RefreshOn is when the issuer asked for a renewal (refresh_in of an Entra answer), in UTC. It is zero
	// when the issuer did not say.
	RefreshOn time.Time
}

// Source gives a token. Each call may go to the network; whoever wants to remember the answer uses the cache.
type Source interface {
	Token(ctx context.Context) (Token, error)
}

// SourceFunc is a function used as a Source.
type SourceFunc func(ctx context.Context) (Token, error)

// Token calls f.
func (f SourceFunc) Token(ctx context.Context) (Token, error) { return f(ctx) }

// Input is one thing that selects an identity or shapes its token: a setting, a resolved account, the hash of
// a secret. The inputs of a request together are what the cache key is made of, so two requests that differ in
// any of them never share a token. Values are never secrets themselves; see Fingerprint.
type Input struct {
	Name  string
	Value string
}

// publishedMargin is how much earlier than its real expiry a token is said to end to callers that allow no skew
// of their own: client-go compares with the clock alone, and so does every Google SDK that reads an output file.
// It equals the cache's renewal margin, so a caller that comes back then is given a new token.
const publishedMargin = 10 * time.Minute

// PublishedExpiry returns the expiry to print for callers without a skew: ten minutes early, or half of what is
// left when that is less, never before now.
func (t Token) PublishedExpiry(now time.Time) time.Time {
	left := t.ExpiresOn.Sub(now)
	if left <= 0 {
		return t.ExpiresOn
	}
	return t.ExpiresOn.Add(-min(publishedMargin, left/2)).Truncate(time.Second)
}
