package sts

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// Proof is what Google says of an access token: that it is one, and whose.
type Proof struct {
	// Who is the principal or the service account.
	Who string
	// Expiry is when the token ends, in UTC.
	Expiry time.Time
}

// Introspect asks the Security Token Service about a token of its own (RFC 7662). address is the file's token_info_url.
// https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/introspect
func Introspect(ctx context.Context, client *http.Client, log *slog.Logger, address string, access token.Secret) (Proof, error) {
	what := "asking " + host(address) + " about the token"
	var answer struct {
		Active   bool   `json:"active"`
		Username string `json:"username"`
		Exp      int64  `json:"exp"`
	}
	err := call{client, log}.post(ctx, what, address, url.Values{"token": {access.Reveal()}, "token_type_hint": {"urn:ietf:params:oauth:token-type:access_token"}}, &answer)
	switch {
	case err != nil:
		return Proof{}, err
	case !answer.Active:
		return Proof{}, problem.New(problem.Refused, "%s: it is not active", what)
	}
	return Proof{answer.Username, time.Unix(answer.Exp, 0).UTC()}, nil
}

// TokenInfo asks Google's token endpoint about an access token of a service account.
// https://developers.google.com/identity/sign-in/web/backend-auth#calling-the-tokeninfo-endpoint
func TokenInfo(ctx context.Context, client *http.Client, log *slog.Logger, address string, access token.Secret) (Proof, error) {
	var answer struct {
		Email string `json:"email"`
		Azp   string `json:"azp"`
		Exp   string `json:"exp"`
	}
	what := "asking " + host(address) + " about the token"
	if err := (call{client, log}).post(ctx, what, address, url.Values{"access_token": {access.Reveal()}}, &answer); err != nil {
		return Proof{}, err
	}
	if answer.Email+answer.Azp == "" {
		return Proof{}, problem.New(problem.BadAnswer, "%s: the answer does not say whose it is", what)
	}
	who := answer.Email
	if who == "" {
		who = "the account with the id " + answer.Azp
	}
	seconds, _ := strconv.ParseInt(answer.Exp, 10, 64)
	return Proof{who, time.Unix(seconds, 0).UTC()}, nil
}
