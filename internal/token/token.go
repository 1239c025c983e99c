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
	// MintedOn is when a remembered token came from its issuer. It is zero for one that comes from there now.
	MintedOn time.Time
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
