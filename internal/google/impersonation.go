package google

import (
	"context"
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/sts"
	"github.com/idferry/idferry/internal/token"
	"github.com/idferry/idferry/internal/upstream"
)

// impersonation acts as a service account, from any Application Default Credentials.
func (s Settings) impersonation(chain chain) (string, source, error) {
	file, err := s.findCredentials()
	if err != nil {
		return "", nil, err
	}
	if file != nil {
		return s.fromFile(file, chain)
	}
	if chain.target == "" {
		return "", nil, problem.Input("--google-source", "impersonation needs a service account to act as").WithHint("name it with --impersonate-service-account EMAIL")
	}
	src, err := s.impersonateFromMetadata(chain, false)
	return "impersonation", src, err
}

// fileCredentials are a base for impersonation that a credentials file describes.
type fileCredentials struct {
	file *credentialsFile
	http *http.Client
	now  func() time.Time
}

func (s Settings) credentials(file *credentialsFile) *fileCredentials {
	// The subject token of an external account may come from a URL that answers in plain text.
	external := google.CredentialsType(file.Type) == google.ExternalAccount
	return &fileCredentials{file, s.patientClient(upstream.Options{RequireJSON: !external}), s.Now}
}

func (c *fileCredentials) inputs() []token.Input { return c.file.inputs() }

func (c *fileCredentials) accessToken(ctx context.Context) (bearer, error) {
	client, w := witnessed(ctx, c.http)
	what := "getting an access token from " + c.file.origin
	src, err := c.tokenSource(context.WithValue(ctx, oauth2.HTTPClient, client))
	if err != nil {
		return bearer{}, problem.Input(c.file.origin, "%s", sts.Quote(err.Error()))
	}
	granted, err := src.Token()
	if err != nil {
		return bearer{}, tokenRefused(what, err, w, c.file, c.now())
	}
	b := bearer{value: token.NewSecret(granted.AccessToken), quotaProject: c.file.QuotaProjectID, universe: c.file.universe()}
	b.member = func(context.Context) string { return c.file.principal() }
	switch google.CredentialsType(c.file.Type) {
	case google.AuthorizedUser:
		// gcloud leaves "account" empty; the ID token that comes along names the user.
		id, _ := granted.Extra("id_token").(string)
		if claims, err := token.ReadClaims(id); err == nil && claims.Email != "" {
			b.member = func(context.Context) string { return "user:" + claims.Email }
		}
	case google.ExternalAccount:
		if c.file.ImpersonationURL == "" {
			b.role = workloadIdentity
		}
	}
	return b, nil
}

func (c *fileCredentials) tokenSource(ctx context.Context) (oauth2.TokenSource, error) {
	kind := google.CredentialsType(c.file.Type)
	if kind == google.ServiceAccount && c.file.universe() != defaultUniverse {
		return google.JWTAccessTokenSourceWithScope(c.file.raw, cloudPlatform)
	}
	credentials, err := google.CredentialsFromJSONWithType(ctx, c.file.raw, kind, cloudPlatform)
	if err != nil {
		return nil, err
	}
	return credentials.TokenSource, nil
}

// principal names the file's identity as an IAM policy does, as far as the file tells.
// https://cloud.google.com/iam/docs/principal-identifiers
func (f *credentialsFile) principal() string {
	switch google.CredentialsType(f.Type) {
	case google.ServiceAccount:
		return "serviceAccount:" + f.ClientEmail
	case google.ImpersonatedServiceAccount, google.ExternalAccount:
		if account, err := f.impersonates(); err == nil && account != "" {
			return "serviceAccount:" + account
		}
	case google.AuthorizedUser:
		if f.Account != "" {
			return "user:" + f.Account
		}
		return "user:YOUR_EMAIL"
	}
	// What the provider's attribute mapping makes of the subject is not in the file.
	pool, _, _ := strings.Cut(strings.TrimPrefix(f.Audience, "//iam.googleapis.com/"), "/providers/")
	if pool == "" {
		pool = "POOL"
	}
	return "principal://iam.googleapis.com/" + pool + "/subject/SUBJECT"
}
