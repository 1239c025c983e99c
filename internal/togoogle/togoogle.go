// Package togoogle asks for the tokens by which an Azure identity is known to Google: Entra tokens, to be Google's
// subject tokens, with what they are remembered by.
package togoogle

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/idferry/idferry/internal/attempt"
	"github.com/idferry/idferry/internal/azure"
	"github.com/idferry/idferry/internal/catalogue"
	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// Scope returns the scope to ask for: scope itself, or that of resource, or else that of the provider that audience
// names, which is what `gcloud iam workload-identity-pools create-cred-config --azure` takes when no --app-id-uri is given.
func Scope(scope, resource, audience string) (string, error) {
	switch {
	case resource != "" && scope != "":
		return "", problem.Input("--scope", "it excludes --resource; one of the two says what to ask for")
	case scope != "":
		return scope, entra.CheckScope("--scope", scope)
	case resource != "":
		return entra.ScopeOf(resource), entra.CheckResource("--resource", resource)
	case strings.HasPrefix(audience, "//"):
		return entra.ScopeOf("https:" + audience), nil
	default:
		return "", problem.Input("--resource", "it is missing, and no GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE says whose token is wanted").
			WithHint("name the Entra application that the provider trusts: --resource api://APP_ID_URI")
	}
}

// SubjectToken returns the token of identity for scope, to be asked for. values are what the catalogue's places stand for
// in advice about a refusal.
func SubjectToken(identity *azure.Identity, scope string, now func() time.Time, values catalogue.Values) token.Wanted {
	inputs, unknown := identity.Inputs()
	return token.Wanted{
		Request: token.Request{
			Purpose:     "azure",
			Description: identity.Name() + " for " + scope,
			Inputs:      append(inputs, token.Input{Name: "scope", Value: scope}),
			Unknown:     unknown,
			Check:       identity.Belongs(),
		},
		What: fmt.Sprintf("asking for a token for %s with %s", scope, identity.Name()),
		Mint: func(ctx context.Context) (token.Token, error) {
			t, err := identity.Token(ctx, scope)
			if err != nil {
				return t, entra.Advise(problem.From(err), values)
			}
			return attempt.Unexpired(t, now(), identity.Name())
		},
	}
}
