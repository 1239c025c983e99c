package main

import (
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/idferry/idferry/internal/azure"
	"github.com/idferry/idferry/internal/cache"
	"github.com/idferry/idferry/internal/catalogue"
	"github.com/idferry/idferry/internal/cli"
	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/pluggable"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/togoogle"
)

// source is the Azure identity that the flags select, and how its tokens are asked for.
type source struct {
	process  cli.Process
	settings *cli.Settings

	resource, scope                          string
	credential                               string
	tenantID, clientID, objectID, resourceID string
	tokenFile, cloud, authorityHost          string
	cache                                    cli.CacheSettings
	logFile                                  string
	// signIn is the deadline where somebody has to find a browser and sign in; a device code lives for 15 minutes.
	timeout, signIn time.Duration
	// outputFile is the client's output_file, for Rust's, which does not tell it.
	outputFile string
}

// bindProtocol adds what only a client's run knows besides.
func (s *source) bindProtocol(flags *pflag.FlagSet) {
	s.bind(flags)
	s.settings.String(&s.outputFile, "output-file", "", "", "output_file of the external_account file, for clients that do not tell it")
}

func (s *source) bind(flags *pflag.FlagSet) {
	b := cli.NewSettings(flags, s.process.Lookup)
	s.settings = b
	b.String(&s.resource, "resource", "", "", "App ID URI or client id of the Entra application whose token Google trusts (default: https:AUDIENCE)", "IDFERRY_RESOURCE")
	b.String(&s.scope, "scope", "", "", "scope to ask for, in place of RESOURCE/.default", "IDFERRY_SCOPE")
	b.Exclusive("resource", "scope")
	b.String(&s.credential, "credential", "", "default", "Azure identity to start from: "+strings.Join(azure.Names(), ", "), "IDFERRY_CREDENTIAL", "AZURE_TOKEN_CREDENTIALS")
	b.String(&s.tenantID, "tenant-id", "t", "", "Entra tenant", "AZURE_TENANT_ID")
	b.String(&s.clientID, "client-id", "", "", "application, or user-assigned managed identity by client id", "AZURE_CLIENT_ID")
	b.String(&s.objectID, "object-id", "", "", "user-assigned managed identity by object id", "IDFERRY_OBJECT_ID")
	b.String(&s.resourceID, "resource-id", "", "", "user-assigned managed identity by Azure resource id", "IDFERRY_RESOURCE_ID")
	b.String(&s.tokenFile, "federated-token-file", "", "", "file with the token of workload identity", "AZURE_FEDERATED_TOKEN_FILE")
	b.String(&s.cloud, "cloud", "", "AzurePublicCloud", "AzurePublicCloud, AzureUSGovernment or AzureChinaCloud", "IDFERRY_CLOUD", "AZURE_ENVIRONMENT")
	b.String(&s.authorityHost, "authority-host", "", "", "URL of the Entra token service", "AZURE_AUTHORITY_HOST")
	b.Duration(&s.timeout, "timeout", 25*time.Second, "own deadline; keep it below timeout_millis of the external_account file", "IDFERRY_TIMEOUT")
	b.Duration(&s.signIn, "sign-in-timeout", 5*time.Minute, "deadline where a person has to sign in; keep it below interactive_timeout_millis", "IDFERRY_SIGN_IN_TIMEOUT")
	s.cache.Bind(b)
	b.String(&s.logFile, "log-file", "", "", "append diagnostics to this file (no token is written)", "IDFERRY_LOG")
}

// subjectToken is a subject token that can be asked for; close ends what the asking needed.
type subjectToken struct {
	call  cli.Call
	close func()
	// person is set when somebody has to sign in for it.
	person bool
}

// subjectToken returns what asks for the token that request is about. It asks nobody yet.
func (s *source) subjectToken(request pluggable.Request) (_ *subjectToken, err error) {
	scope, err := s.resolveScope(request)
	if err != nil {
		return nil, err
	}
	mode, err := cache.ParseMode(s.cache.Mode)
	if err != nil {
		return nil, err
	}
	if err := s.checkWaits(); err != nil {
		return nil, err
	}
	log, closeLog, err := cli.Log(s.logFile)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			closeLog()
		}
	}()
	identity, err := s.identity(request, log)
	if err != nil {
		return nil, err
	}
	wanted := togoogle.SubjectToken(identity, scope, s.process.Now, s.values(scope))
	if unknown := wanted.Request.Unknown; unknown != "" {
		logInfo(log, "not cached", "reason", unknown)
	}
	limit := s.timeout
	if identity.NeedsPerson() && s.person(request) && (s.settings.Given("sign-in-timeout") || !s.settings.Given("timeout")) {
		limit = s.signIn
	}
	return &subjectToken{close: closeLog, person: identity.NeedsPerson(), call: cli.Call{
		Cache:  cache.Open(cache.Options{Mode: mode, Dir: s.cache.Dir, Lookup: s.process.Lookup, Now: s.process.Now, Log: log}),
		Wanted: wanted, Limit: limit, Log: log, Attributes: []any{"credential", identity.Name(), "scope", scope},
	}}, nil
}

// checkWaits says what is no time to wait.
func (s *source) checkWaits() error {
	for flag, wait := range map[string]time.Duration{"--timeout": s.timeout, "--sign-in-timeout": s.signIn} {
		if wait <= 0 {
			return problem.Input(flag, "%s is not a time to wait", wait)
		}
	}
	return nil
}

func (s *source) identity(request pluggable.Request, log *slog.Logger) (*azure.Identity, error) {
	cloud, err := entra.FindCloud(s.cloud, s.authorityHost)
	if err != nil {
		return nil, err
	}
	settings := azure.Settings{
		Credential: s.credential, TenantID: s.tenantID, ClientID: s.clientID, ObjectID: s.objectID, ResourceID: s.resourceID,
		TokenFile: s.tokenFile, Cloud: cloud, Lookup: s.process.Lookup, Log: log,
	}
	if s.person(request) {
		settings.Prompt = s.process.Stderr
	}
	return azure.New(settings)
}

// person reports whether somebody can be asked to sign in. Clients capture stderr, so a terminal there means that a
// person runs this by hand.
func (s *source) person(request pluggable.Request) bool {
	return request.Interactive || (s.process.Person && !request.NonInteractive)
}

// resolveScope returns the scope to ask for.
func (s *source) resolveScope(request pluggable.Request) (string, error) {
	return s.scopeFor(request.Audience)
}

func (s *source) scopeFor(audience string) (string, error) {
	return togoogle.Scope(s.scope, s.resource, audience)
}

// values are what the catalogue's places of Entra ID stand for here.
func (s *source) values(scope string) catalogue.Values {
	return catalogue.Values{
		entra.Application: s.clientID, entra.Tenant: s.tenantID, entra.Resource: entra.ResourceOf(scope), entra.Certificate: s.process.Getenv("AZURE_CLIENT_CERTIFICATE_PATH"),
	}
}
