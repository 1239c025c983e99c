package token

import "context"

// Request says whose token is wanted and what for.
type Request struct {
	// Purpose tells uses apart that have the same inputs, such as "azure" and "google-to-entra".
	Purpose string
	// Description is shown by cache list and kept in clear, so it holds no secret.
	Description string
	// Inputs are everything that selects the identity or shapes the token, in a fixed order.
	Inputs []Input
	// Unknown says why the inputs do not tell the identity from every other one, so that nothing may be remembered beyond
	// the process; or it is "".
	Unknown string
	// Bypass is for an answer to a claims challenge: the remembered token is the one that was refused, so it is neither
	// read nor served when the renewal fails, but it is replaced.
	Bypass bool
	// Check says why a token is not the one wanted, going by what the token itself tells of its tenant and application.
	// One that does not pass is never given out of a cache. It may be nil.
	Check func(Secret) error
}

// Admits says why t is not the token that is wanted, or nil.
func (r Request) Admits(t Token) error {
	if r.Check == nil {
		return nil
	}
	return r.Check(t.Value)
}

// Wanted is a token that can be asked for: what it is remembered by, and how it is got.
type Wanted struct {
	Request Request
	// What names the attempt, as in "exchanging …", for the error when its time is up.
	What string
	// Mint asks the issuer.
	Mint func(context.Context) (Token, error)
}

// Store remembers tokens beyond the process. The zero Store remembers nothing.
type Store struct {
	get func(context.Context, Request, func(context.Context) (Token, error)) (Token, error)
}

// NewStore returns the Store that get is.
func NewStore(get func(context.Context, Request, func(context.Context) (Token, error)) (Token, error)) Store {
	return Store{get}
}

// Token returns the remembered token, or else asks for it.
func (s Store) Token(ctx context.Context, w Wanted) (Token, error) {
	if s.get == nil {
		return w.Mint(ctx)
	}
	return s.get(ctx, w.Request, w.Mint)
}
