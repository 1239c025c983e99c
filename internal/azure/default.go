package azure

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// defaultIdentity is the first that answers of the chain that all Azure libraries have. It is the only one that probes.
// azidentity's own chain is not used: it leaves behind what a hanging az has started, an AZURE_CLIENT_ID that is set and
// empty hides the machine's identity from it, and it tells what it tried in text alone.
// https://learn.microsoft.com/azure/developer/go/sdk/authentication/credential-chains#defaultazurecredential-overview
type defaultIdentity struct {
	settings Settings
	// part is which part of the chain is meant, in lower case; links are its identities.
	part  string
	links []link

	mu sync.Mutex
	// taken answered first, and is asked alone from then on.
	taken source
}

// link is one identity of the chain.
type link struct {
	kind kind
	// production tells the identities of machines from those of people.
	production bool
	open       func(Settings) (source, error)
	// passes reports whether the next link is asked after this one failed so. What is configured and does not work is
	// the end: the token of somebody else would be worse than none.
	passes func(error) bool
}

func links() []link {
	always := func(error) bool { return true }
	notConfigured := func(err error) bool {
		var nothing unset
		return errors.As(err, &nothing)
	}
	var chain []link
	for _, l := range []struct {
		name       string
		production bool
		passes     func(error) bool
	}{
		{"environment", true, notConfigured}, {"workload-identity", true, notConfigured}, {"managed-identity", true, isElsewhere},
		{"azure-cli", false, always}, {"azd", false, always}, {"azure-powershell", false, always},
	} {
		k, _ := Settings{Credential: l.name}.kind()
		open := k.open
		if k.name == "managed-identity" {
			open = openProbed
		}
		chain = append(chain, link{k, l.production, open, l.passes})
	}
	return chain
}

const chosen = "AZURE_TOKEN_CREDENTIALS"

func openDefault(s Settings) (source, error) {
	part := strings.ToLower(strings.TrimSpace(s.Credential))
	if part != "dev" && part != "prod" {
		part = strings.ToLower(strings.TrimSpace(s.env(chosen)))
	}
	if k, _ := s.kind(); k.is(part) && part != "dev" && part != "prod" {
		part = ""
	}
	chain := slices.DeleteFunc(links(), func(l link) bool {
		switch part {
		case "":
			return false
		case "dev", "prod":
			return l.production != (part == "prod")
		}
		return !l.kind.is(part)
	})
	if len(chain) == 0 {
		return nil, problem.Input(chosen, "%q is none of the chain's", s.env(chosen)).WithHint("unset %s, or give --credential", chosen)
	}
	if _, err := s.podIdentity(); err != nil {
		return nil, err
	}
	return &defaultIdentity{settings: s, part: part, links: chain}, nil
}

func (d *defaultIdentity) token(ctx context.Context, scope string) (token.Token, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.taken != nil {
		return d.taken.token(ctx, scope)
	}
	var tried []string
	for _, l := range d.links {
		src, err := l.open(d.settings)
		if err == nil {
			var t token.Token
			if t, err = src.token(ctx, scope); err == nil {
				d.taken = src
				return t, nil
			}
		}
		e := problem.From(err)
		if !l.passes(err) || ctx.Err() != nil {
			return token.Token{}, d.during(ctx, l, tried, e)
		}
		tried = append(tried, l.says(e))
	}
	return token.Token{}, problem.New(problem.NoIdentity, "no Azure identity was found: %s", strings.Join(tried, "; ")).
		WithHint("choose one with --credential: %s", strings.Join(Names()[1:], ", "))
}

// says is a failure in few words.
func (l link) says(e *problem.Error) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(e.Message, "managed identity: "), "; ")
	return l.kind.name + ": " + token.Quote(first, 160)
}

// during is the failure at which the chain ends. One that the deadline brought about may be no fault of that identity.
func (d *defaultIdentity) during(ctx context.Context, l link, tried []string, e *problem.Error) error {
	if ctx.Err() == nil {
		return e
	}
	tried = append(tried, l.says(e))
	return problem.New(problem.DeadlineExceeded, "no Azure identity was found in time: %s: %w", strings.Join(tried, "; "), ctx.Err()).
		WithHint("choose the one that is meant with --credential: %s", strings.Join(Names()[1:], ", "))
}

// inputs are everything that any identity of the chain depends on: which one answers is not known beforehand.
func (d *defaultIdentity) inputs() ([]token.Input, string) {
	s := d.settings
	inputs := []token.Input{{Name: "part", Value: d.part}}
	for _, name := range []string{"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN", "AZURE_USERNAME", "AZURE_ADDITIONALLY_ALLOWED_TENANTS"} {
		inputs = append(inputs, token.Input{Name: name, Value: s.env(name)})
	}
	for _, name := range []string{"AZURE_CLIENT_SECRET", "AZURE_PASSWORD"} {
		inputs = append(inputs, token.Input{Name: name, Value: token.Fingerprint(s.env(name))})
	}
	for _, path := range []string{s.env("AZURE_CLIENT_CERTIFICATE_PATH"), filepath.Join(s.home(), ".Azure", "AzureRmContext.json")} {
		data, _ := os.ReadFile(path)
		inputs = append(inputs, token.Input{Name: "content of " + path, Value: token.Fingerprint(string(data))})
	}
	inputs = append(inputs, s.machineInputs()...)
	if file := s.or(s.TokenFile, "AZURE_FEDERATED_TOKEN_FILE"); file != "" {
		more, reason := tokenFileInputs(s, file)
		inputs = append(inputs, more...)
		if reason != "" {
			return inputs, reason
		}
	}
	// Nobody being signed in to az or azd is no obstacle: whoever does so changes these.
	for _, signedIn := range []func(Settings) ([]token.Input, string){azureProfile, azdInputs} {
		more, _ := signedIn(s)
		inputs = append(inputs, more...)
	}
	return inputs, ""
}
