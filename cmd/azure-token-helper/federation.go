package main

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/idferry/idferry/internal/cache"
	"github.com/idferry/idferry/internal/cli"
	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/google"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/toazure"
	"github.com/idferry/idferry/internal/token"
)

// federation is what every verb needs to know: which Google identity, and which Entra application it stands for.
type federation struct {
	process  cli.Process
	settings *cli.Settings

	tenantID, clientID           string
	environment, authorityHost   string
	googleSource, serviceAccount string
	credentialsFile, tokenFile   string
	assertionAudience            string
	azurermVars                  bool
	cache                        cli.CacheSettings
	logFile                      string
	timeout                      time.Duration
}

// bindAll adds the flags of a verb of our own. limit is the verb's own deadline.
func (f *federation) bindAll(flags *pflag.FlagSet, limit time.Duration) {
	b := cli.NewSettings(flags, f.process.Lookup)
	f.settings = b
	b.String(&f.clientID, "client-id", "", "", "Entra application that trusts the Google account", "AZURE_CLIENT_ID", "AAD_SERVICE_PRINCIPAL_CLIENT_ID")
	b.String(&f.tenantID, "tenant-id", "t", "", "Entra tenant of the application", "AZURE_TENANT_ID")
	f.bindShared(b, limit)
}

// bindShared adds what az and azd callers can set through the environment only, because the real tools have no such
// flags; our own verbs show them as flags.
func (f *federation) bindShared(b *cli.Settings, limit time.Duration) {
	b.String(&f.environment, "environment", "e", "AzurePublicCloud", "AzurePublicCloud, AzureUSGovernment or AzureChinaCloud", "AZURE_ENVIRONMENT", "AZURE_CLOUD_NAME")
	b.String(&f.authorityHost, "authority-host", "", "", "URL of the Entra token service", "AZURE_AUTHORITY_HOST")
	b.String(&f.googleSource, "google-source", "", "auto", "where the Google ID token comes from: "+strings.Join(google.Names(), ", "), "IDFERRY_GOOGLE_SOURCE")
	b.String(&f.serviceAccount, "impersonate-service-account", "", "", "service account whose ID token is asked for; delegates before it, separated by commas",
		"IDFERRY_IMPERSONATE_SERVICE_ACCOUNT", "CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT")
	b.String(&f.credentialsFile, "google-credentials", "", "", "service-account key or other credentials file, in place of GOOGLE_APPLICATION_CREDENTIALS", "IDFERRY_GOOGLE_CREDENTIALS")
	b.String(&f.tokenFile, "federated-token-file", "", "", "file with an ID token of Google or of a GKE cluster", "AZURE_FEDERATED_TOKEN_FILE")
	b.String(&f.assertionAudience, "assertion-audience", "", "", "audience of the Google ID token (default: api://AzureADTokenExchange, or the national cloud's)", "IDFERRY_ASSERTION_AUDIENCE")
	b.Duration(&f.timeout, "timeout", limit, "own deadline", "IDFERRY_TIMEOUT")
	f.cache.Bind(b)
	b.String(&f.logFile, "log-file", "", "", "append diagnostics to this file (no token is written)", "IDFERRY_LOG")
}

// session is a federation with its settings resolved and its Google identity found.
type session struct {
	federation
	cloud  entra.Cloud
	google *google.Identity
	log    *slog.Logger
	mode   cache.Mode
	close  func()
}

// open resolves the settings. tenant, if not empty, is the one that the caller asks for, whatever is set. It makes no
// request.
func (f *federation) open(tenant string) (*session, error) {
	s, err := f.settle(tenant)
	if err != nil {
		return nil, err
	}
	if s.google, err = s.identity(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// settle is open without the Google identity.
func (f *federation) settle(tenant string) (*session, error) {
	if err := f.settings.Resolve(); err != nil {
		return nil, err
	}
	f.tenantID = first(tenant, f.tenantID)
	if f.azurermVars {
		f.clientID, f.tenantID = first(f.process.Getenv("ARM_CLIENT_ID"), f.clientID), first(f.process.Getenv("ARM_TENANT_ID"), f.tenantID)
	}
	s := &session{federation: *f}
	var err error
	if s.cloud, err = entra.FindCloud(f.environment, f.authorityHost); err != nil {
		return nil, err
	}
	if s.mode, err = cache.ParseMode(f.cache.Mode); err != nil {
		return nil, err
	}
	if f.timeout <= 0 {
		return nil, problem.Input("--timeout", "%s is not a time to wait", f.timeout)
	}
	s.log, s.close, err = cli.Log(f.logFile)
	return s, err
}

// identity finds the Google identity.
func (s *session) identity() (*google.Identity, error) {
	return google.New(google.Settings{
		Source: s.googleSource, Audience: first(s.assertionAudience, s.cloud.AssertionAudience), ServiceAccount: s.serviceAccount,
		KeyFile: s.credentialsFile, TokenFile: s.tokenFile, Lookup: s.process.Lookup, Now: s.process.Now, Log: s.log,
	})
}

// token returns an Entra token, from the cache where one is still good.
func (s *session) token(ctx context.Context, wish toazure.Wish) (token.Token, error) {
	wanted, err := toazure.Way{Google: s.google, Cloud: s.cloud, TenantID: s.tenantID, ClientID: s.clientID, Log: s.log}.Wanted(wish)
	if err != nil {
		return token.Token{}, err
	}
	return cli.Call{
		Cache:  cache.Open(cache.Options{Mode: s.mode, Dir: s.cache.Dir, Lookup: s.process.Lookup, Now: s.process.Now, Log: s.log}),
		Wanted: wanted, Limit: s.timeout, Log: s.log,
		Attributes: []any{"google", s.google.Name(), "tenant", s.tenantID, "client", s.clientID, "scopes", strings.Join(wish.Scopes, " ")},
	}.Token(ctx)
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
