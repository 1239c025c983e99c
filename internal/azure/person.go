package azure

import (
	"context"
	"os/user"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// person is somebody who signs in at a terminal: with a code or in a browser.
type person struct {
	settings   Settings
	kind       string
	credential azcore.TokenCredential
}

func (p *person) token(ctx context.Context, scope string) (token.Token, error) {
	// Here and not in New: what was got at a terminal is remembered, and then serves programs too.
	if p.settings.Prompt == nil {
		return token.Token{}, problem.New(problem.Interaction, "the identity %s needs a person at a terminal", p.kind).
			WithHint("run this once at a terminal, with the same flags: gcp-executable-source --credential %s --timeout 5m; or choose another --credential", p.kind)
	}
	t, w, err := ask(ctx, p.credential, scope, entraPatience())
	if err != nil {
		return t, w.explain(err)
	}
	return t, nil
}

// inputs are whose terminal it is; who signs in there is that person's choice.
func (p *person) inputs() ([]token.Input, string) {
	inputs := []token.Input{{Name: "home", Value: p.settings.home()}}
	if u, err := user.Current(); err == nil {
		inputs = append(inputs, token.Input{Name: "os-user", Value: u.Username}, token.Input{Name: "os-uid", Value: u.Uid})
	}
	return inputs, ""
}
