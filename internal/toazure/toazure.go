// Package toazure asks for Entra tokens by which a Google identity is known in Azure: what they are remembered by, and
// the exchange that they come from.
package toazure

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/google"
	"github.com/idferry/idferry/internal/token"
)

// Way is from a Google identity to the Entra application that trusts it.
type Way struct {
	Google *google.Identity
	Cloud  entra.Cloud
	// TenantID and ClientID are the application's.
	TenantID, ClientID string
	// HTTP makes the exchange's requests; nil means a client of package upstream.
	HTTP *http.Client
	// Now is the clock that errors about validity show; nil means time.Now.
	Now func() time.Time
	// Log receives debug lines; it may be nil.
	Log *slog.Logger
}

// Wish is what a token is asked for.
type Wish struct {
	Scopes []string
	// Claims is a claims challenge in JSON, or "".
	Claims string
	// Bound asks for a token that is bound to a new key, which is returned with it; see entra.Prove.
	Bound bool
	// CAE says that the caller understands claims challenges, for which Entra ID lets its tokens live for a day.
	CAE bool
}

// Check says which of tenant and application cannot be used.
func (w Way) Check() error { return w.exchange().Check() }

func (w Way) exchange() entra.Exchange {
	return entra.Exchange{Cloud: w.Cloud, TenantID: w.TenantID, ClientID: w.ClientID, Assertion: w.Google, HTTP: w.HTTP, Now: w.Now, Log: w.Log}
}

// Wanted returns the token to ask for, or what Check says.
func (w Way) Wanted(wish Wish) (token.Wanted, error) {
	exchange := w.exchange()
	if err := exchange.Check(); err != nil {
		return token.Wanted{}, err
	}
	asked := strings.Join(wish.Scopes, " ")
	request := token.Request{
		Purpose:     "google-to-entra",
		Description: fmt.Sprintf("%s as %s in %s for %s", w.Google.Name(), w.ClientID, w.TenantID, asked),
		Inputs: append(w.Google.Inputs(),
			token.Input{Name: "authority", Value: w.Cloud.Authority}, token.Input{Name: "tenant", Value: strings.ToLower(w.TenantID)},
			token.Input{Name: "client", Value: strings.ToLower(w.ClientID)}, token.Input{Name: "scopes", Value: asked}),
		// A claims challenge says that the resource refused the token that the cache would give.
		Bypass: wish.Claims != "",
		Check:  entra.Belongs(w.TenantID, w.ClientID),
	}
	if wish.CAE {
		// https://learn.microsoft.com/entra/identity-platform/claims-challenge#client-capabilities
		exchange.ClientCapabilities = []string{"CP1"}
		request.Description += ", with continuous access evaluation"
		request.Inputs = append(request.Inputs, token.Input{Name: "capabilities", Value: "CP1"})
	}
	mint := func(ctx context.Context) (token.Token, error) { return exchange.Token(ctx, wish.Scopes, wish.Claims) }
	if wish.Bound {
		// The key is kept with the token that is bound to it; for which cluster is the proof's affair.
		request.Purpose, request.Description, request.Check = "google-to-entra-pop", request.Description+", bound", entra.BoundBelongs(w.TenantID, w.ClientID)
		mint = func(ctx context.Context) (token.Token, error) { return bound(ctx, exchange, wish) }
	}
	return token.Wanted{
		Request: request, What: fmt.Sprintf("exchanging the Google identity (%s) for a token for %s", w.Google.Name(), asked), Mint: mint,
	}, nil
}

// bound exchanges for a token that is bound to a new key, and returns both.
func bound(ctx context.Context, exchange entra.Exchange, wish Wish) (token.Token, error) {
	key, err := entra.NewPossession()
	if err != nil {
		return token.Token{}, err
	}
	exchange.Possession = key
	t, err := exchange.Token(ctx, wish.Scopes, wish.Claims)
	if err != nil {
		return t, err
	}
	t.Value, err = key.Keep(t.Value)
	return t, err
}
