// Package oidcrequest answers a request URL for OpenID Connect tokens in the form that GitHub gave it
// (https://docs.github.com/actions/reference/security/oidc#methods-for-requesting-the-oidc-token) and Terraform's and
// OpenTofu's azurerm, azuread and azapi ask at each renewal: ARM_OIDC_REQUEST_URL and ARM_OIDC_REQUEST_TOKEN.
package oidcrequest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// Endpoint answers on loopback, and only whoever knows its token.
type Endpoint struct {
	// URL names the audience already: clients add the public cloud's where there is none.
	URL string
	// Token is what a client sends as bearer. It is worth nothing after Close.
	Token token.Secret

	server    *http.Server
	host      string
	audience  string
	assertion func(context.Context) (token.Token, error)
}

// Start answers with the ID tokens for audience that assertion gives.
func Start(audience string, assertion func(context.Context) (token.Token, error)) (*Endpoint, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		// A machine may have but the one of IPv6.
		var six error
		if listener, six = net.Listen("tcp6", "[::1]:0"); six != nil {
			return nil, problem.New(problem.Unexpected, "listen on loopback for Terraform: %w", err)
		}
	}
	e := &Endpoint{
		host: listener.Addr().String(), audience: audience, assertion: assertion,
		Token: token.NewSecret(rand.Text() + rand.Text()),
	}
	e.URL = "http://" + e.host + "/token?" + url.Values{"audience": {audience}}.Encode()
	e.server = &http.Server{
		Handler: e, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 1 << 14,
		// What it has to say of broken connections is for nobody.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	go func() { _ = e.server.Serve(listener) }()
	return e, nil
}

// Close ends the endpoint and what is being answered.
func (e *Endpoint) Close() { _ = e.server.Close() }

// ServeHTTP answers one request.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status, answer := e.answer(r)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

func (e *Endpoint) answer(r *http.Request) (int, map[string]string) {
	refuse := func(status int, why string) (int, map[string]string) {
		return status, map[string]string{"message": why}
	}
	bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	// Sums are of one length, so that not even the token's is told by how long the comparison takes.
	given, want := sha256.Sum256([]byte(bearer)), sha256.Sum256([]byte(e.Token.Reveal()))
	switch {
	// A page in a browser can lead a name of its own to this address.
	case r.Host != e.host || subtle.ConstantTimeCompare(given[:], want[:]) != 1:
		return refuse(http.StatusUnauthorized, "the request token is missing or another one")
	case r.URL.Path != "/token":
		return refuse(http.StatusNotFound, "there is nothing here; ask ARM_OIDC_REQUEST_URL as it is")
	case r.Method != http.MethodGet:
		return refuse(http.StatusMethodNotAllowed, "ask with GET")
	}
	for _, audience := range r.URL.Query()["audience"] {
		if audience != e.audience {
			return refuse(http.StatusBadRequest, "the audience is "+e.audience+" here, and none else is given out")
		}
	}
	t, err := e.assertion(r.Context())
	if err != nil {
		known := problem.From(err)
		status := http.StatusBadGateway
		if errors.Is(err, context.DeadlineExceeded) || known.Code == problem.DeadlineExceeded {
			status = http.StatusGatewayTimeout
		}
		return refuse(status, token.Line(token.NewRedactor().Clean(known.Sentence())))
	}
	return http.StatusOK, map[string]string{"value": t.Value.Reveal()}
}
