package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/idferry/idferry/internal/azure"
	"github.com/idferry/idferry/internal/cache"
	"github.com/idferry/idferry/internal/cli"
	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/pluggable"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// signInLimit is the deadline where somebody has to find a browser and sign in; a device code lives for 15 minutes.
const signInLimit = 5 * time.Minute

// source is one call of the protocol: its settings and what it runs in.
type source struct {
	process  cli.Process
	settings *cli.Settings

	resource, scope                          string
	credential                               string
	tenantID, clientID, objectID, resourceID string
	tokenFile, cloud, authorityHost          string
	cache                                    cli.CacheSettings
	logFile                                  string
	timeout                                  time.Duration
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
	b.Duration(&s.timeout, "timeout", 25*time.Second, "own deadline (5m for a person who signs in); keep it below timeout_millis of the external_account file", "IDFERRY_TIMEOUT")
	s.cache.Bind(b)
	b.String(&s.logFile, "log-file", "", "", "append diagnostics to this file (no token is written)", "IDFERRY_LOG")
}

// protocol answers one client library and returns the exit code.
func (s *source) protocol(ctx context.Context) int {
	request := pluggable.ReadRequest(s.process.Lookup)
	document, err := s.answer(ctx, request)
	// In an interactive run (workforce pools, Python and gcloud) standard output is the user's terminal and the client
	// reads the file alone: no document may appear, and a failure that only left no file would crash gcloud.
	if request.Interactive && request.OutputFile != "" && !request.Revoke {
		if err != nil {
			return s.process.Fail(err)
		}
		return cli.ExitOK
	}
	if err != nil {
		document = pluggable.Failure(request, err)
	}
	if _, err := s.process.Stdout.Write(document); err != nil {
		return cli.ExitFailure
	}
	return cli.ExitOK
}

// answer returns the document for request, and leaves it in the output file where one is configured.
func (s *source) answer(ctx context.Context, request pluggable.Request) ([]byte, error) {
	if err := s.settings.Resolve(); err != nil {
		return nil, err
	}
	if err := request.Check(); err != nil {
		return nil, err
	}
	scope, err := s.resolveScope(request)
	if err != nil {
		return nil, err
	}
	mode, err := cache.ParseMode(s.cache.Mode)
	if err != nil {
		return nil, err
	}
	if s.timeout <= 0 {
		return nil, problem.Input("--timeout", "%s is not a time to wait", s.timeout)
	}
	log, closeLog, err := cli.Log(s.logFile)
	if err != nil {
		return nil, err
	}
	defer closeLog()
	output, err := pluggable.OpenOutputFile(request.OutputFile)
	if err != nil {
		return nil, err
	}
	if output != nil {
		defer output.Close()
	}
	identity, err := s.identity(request, log)
	if err != nil {
		return nil, err
	}
	inputs, unknown := identity.Inputs()
	if unknown != "" {
		logInfo(log, "not cached", "reason", unknown)
		mode = cache.Off
	}
	c := cache.Open(cache.Options{Mode: mode, Dir: s.cache.Dir, Lookup: s.process.Lookup, Now: s.process.Now, Log: log})
	wanted := cache.Request{
		Purpose:     "azure",
		Description: identity.Name() + " for " + scope,
		Inputs:      append(inputs, token.Input{Name: "scope", Value: scope}),
		Check:       identity.Belongs(),
	}
	if identity.NeedsPerson() && s.person(request) && !s.settings.Given("timeout") {
		s.timeout = signInLimit
	}
	if request.Revoke {
		return s.revoke(ctx, request, c, wanted, output)
	}

	t, err := cli.Call{
		Cache: c, Request: wanted, Limit: s.timeout, What: fmt.Sprintf("asking for a token for %s with %s", scope, identity.Name()),
		Mint: func(ctx context.Context) (token.Token, error) {
			t, err := identity.Token(ctx, scope)
			if err != nil {
				return t, err
			}
			return cli.Unexpired(t, s.process.Now(), identity.Name())
		},
		Log: log, Attributes: []any{"credential", identity.Name(), "scope", scope},
	}.Token(ctx)
	if err != nil {
		return nil, err
	}
	document := pluggable.Success(request, t, s.process.Now())
	if output != nil {
		if err := output.Write(document); err != nil {
			logInfo(log, "output file not written", "error", err)
			if request.Interactive {
				return nil, problem.New(problem.BadInput, "writing %s: %w", request.OutputFile, err)
			}
		}
	}
	return document, nil
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

// resolveScope returns the scope to ask for. Without a setting it is that of the provider itself, which is what
// `gcloud iam workload-identity-pools create-cred-config --azure` takes when no --app-id-uri is given.
func (s *source) resolveScope(request pluggable.Request) (string, error) {
	switch {
	case s.resource != "" && s.scope != "":
		return "", problem.Input("--scope", "it excludes --resource; one of the two says what to ask for")
	case s.scope != "":
		return s.scope, entra.CheckScope("--scope", s.scope)
	case s.resource != "":
		return entra.ScopeOf(s.resource), entra.CheckResource("--resource", s.resource)
	case strings.HasPrefix(request.Audience, "//"):
		return entra.ScopeOf("https:" + request.Audience), nil
	default:
		return "", problem.Input("--resource", "it is missing, and no GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE says whose token is wanted").
			WithHint("name the Entra application that the provider trusts: --resource api://APP_ID_URI")
	}
}

// revoke forgets what a later call could be answered with.
func (s *source) revoke(ctx context.Context, request pluggable.Request, c *cache.Cache, wanted cache.Request, output *pluggable.OutputFile) ([]byte, error) {
	if err := c.Forget(ctx, wanted); err != nil {
		return nil, err
	}
	if output != nil {
		if err := output.Remove(); err != nil {
			return nil, problem.New(problem.BadInput, "removing %s: %w", request.OutputFile, err)
		}
	}
	return pluggable.Revoked(request), nil
}

// misuse is a command line that cobra could not read.
func misuse(err error) error {
	e := problem.From(err)
	if e.Code != problem.Unexpected {
		return e
	}
	return problem.Input("command line", "%w", err).WithHint("gcp-executable-source --help")
}

func logInfo(log *slog.Logger, message string, attrs ...any) {
	if log != nil {
		log.Info(message, attrs...)
	}
}
