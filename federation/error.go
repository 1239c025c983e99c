package federation

import (
	"regexp"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/idferry/idferry/internal/problem"
)

// Error is why there is no token. Get it with errors.As. Its text is one line and holds no token.
type Error struct {
	// Code is stable and meant for searching: the upstream's own, word for word (AADSTS700213, invalid_grant,
	// PERMISSION_DENIED), or one of bad_input, no_identity, unreachable, bad_answer, refused, expired_token,
	// interaction_required, deadline_exceeded, canceled and unexpected.
	Code string
	// Message says what was attempted and what came back.
	Message string
	// Cause says what the failure means, where it is a known one.
	Cause string
	// Remedy says what to do, in words. It may be empty.
	Remedy string
	// Commands do it, ready to paste, with the values at hand; the first is the one to begin with.
	Commands []string

	wait  string
	cause []error
}

// Error returns code, message, cause, remedy and the first command on one line.
func (e *Error) Error() string {
	p := problem.Error{Code: e.Code, Message: e.Message}
	a := problem.Advice{Cause: e.Cause, Mend: e.Remedy, Run: e.Commands, Wait: e.wait}
	return strings.TrimSuffix(p.Coded()+"; "+a.Line(), "; ")
}

// Unwrap returns what the failure was caused by, such as context.Canceled or a net.Error.
func (e *Error) Unwrap() []error { return e.cause }

// NonRetriable keeps azcore from repeating the request that wanted the token: what is worth repeating was repeated.
func (e *Error) NonRetriable() {}

// asError returns err as an *Error.
func asError(err error) error {
	p := problem.From(err)
	e := &Error{Code: p.Code, Message: inGo(p.Message), Remedy: inGo(p.Hint)}
	if a := p.Advice; a != nil {
		e.Cause, e.Remedy, e.Commands, e.wait = inGo(a.Cause), inGo(a.Mend), a.Run, a.Wait
	}
	if p.Err != nil {
		e.cause = append(e.cause, p.Err)
	}
	if p.Code == problem.NoIdentity {
		e.cause = append(e.cause, azidentity.NewCredentialUnavailableError(e.Error()))
	}
	return e
}

const (
	// flag is one of a command line.
	flag = `--[a-z][a-z-]+(?: FILE\b)?`
	// foreign is a command of another program, up to where the sentence goes on.
	foreign = `(?:^|[ :])(?:az|azd|gcloud|kubectl|azcmagent|curl|gcp-executable-source|azure-token-helper) [^;,)]*`
)

// inGo names fields where a message names the flags of the programs of this module. Commands of other programs stay as
// they are.
func inGo(message string) string {
	if !strings.Contains(message, "--") {
		return message
	}
	fields := map[string]string{
		"--tenant-id": "TenantID", "--client-id": "ClientID", "--object-id": "ObjectID", "--resource-id": "ResourceID", "--resource": "Resource",
		"--scope": "Resource", "--credential": "Identity", "--google-source": "GoogleSource", "--impersonate-service-account": "ServiceAccount",
		"--google-credentials": "CredentialsFile", "--federated-token-file": "TokenFile", "--assertion-audience": "AssertionAudience",
		"--authority-host": "Cloud", "--cloud": "Cloud", "--environment": "Cloud", "--timeout": "Timeout", "--log-file": "Logger", "--cache": "Cache",
		"--audience": "audience", "--service-account": "ServiceAccount", "--token-lifetime": "TokenLifetime", "--universe-domain": "UniverseDomain",
		"--workforce-pool-user-project": "WorkforcePoolUserProject",
	}
	return regexp.MustCompile(foreign+"|"+flag).ReplaceAllStringFunc(message, func(found string) string {
		if field, ok := fields[strings.TrimSuffix(found, " FILE")]; ok {
			return field
		}
		return found
	})
}
