package azure

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// azd is whoever is signed in to the Azure Developer CLI.
// https://learn.microsoft.com/azure/developer/azure-developer-cli/reference#azd-auth-token
type azd struct {
	settings Settings
	program  program
}

func openAzd(s Settings) (source, error) {
	if err := argument("--tenant-id", s.TenantID); err != nil {
		return nil, err
	}
	a := &azd{settings: s}
	a.program = program{name: "azd", install: "https://learn.microsoft.com/azure/developer/azure-developer-cli/install-azd", explain: a.explain}
	return a, nil
}

func (a *azd) token(ctx context.Context, scope string) (token.Token, error) {
	if err := argument("--scope", scope); err != nil {
		return token.Token{}, err
	}
	args := []string{"auth", "token", "--output", "json", "--no-prompt", "--scope", scope}
	if a.settings.TenantID != "" {
		args = append(args, "--tenant-id", a.settings.TenantID)
	}
	out, err := a.program.run(ctx, a.settings, args...)
	if err != nil {
		return token.Token{}, err
	}
	return azdPrinted(out)
}

// azdPrinted reads what `azd auth token` prints.
func azdPrinted(out []byte) (token.Token, error) {
	var answer struct {
		Token     string    `json:"token"`
		ExpiresOn time.Time `json:"expiresOn"`
	}
	if err := json.Unmarshal(out, &answer); err != nil || answer.ExpiresOn.IsZero() {
		return token.Token{}, badOutput("azd auth token")
	}
	return token.Token{Value: token.NewSecret(answer.Token), ExpiresOn: answer.ExpiresOn.UTC()}, nil
}

func (a *azd) explain(stderr string) error {
	said := azdError(stderr)
	login := "azd auth login"
	if a.settings.TenantID != "" {
		login += " --tenant-id " + a.settings.TenantID
	}
	if strings.Contains(said, "AADSTS") {
		e := problem.From(entra.Explain(problemText(said)))
		if e.Hint == "" || strings.Contains(stderr, "auth login") {
			return e.MendedBy("sign in again", login)
		}
		return e
	}
	e := problem.New(problem.NoIdentity, "azd auth token: %s", quote(strings.TrimPrefix(said, "ERROR: ")))
	if strings.Contains(stderr, "login") || said == "" {
		return e.WithHint("%s", login)
	}
	return e.WithHint("try it alone: azd auth token --output none")
}

// azdError finds the message in azd's lines of JSON: {"error":…} since version 1.23.7, console messages before.
func azdError(stderr string) string {
	console := ""
	for line := range strings.Lines(stderr) {
		var event struct {
			Error string `json:"error"`
			Data  struct {
				Message string `json:"message"`
			} `json:"data"`
		}
		if json.Unmarshal([]byte(line), &event) != nil {
			continue
		}
		if event.Error != "" {
			return event.Error
		}
		if console == "" {
			console = strings.TrimSpace(event.Data.Message)
		}
	}
	if console != "" {
		return console
	}
	return strings.TrimSpace(stderr)
}

func (a *azd) inputs() ([]token.Input, string) { return azdInputs(a.settings) }

// azdInputs say who is signed in to azd, from the files in which it keeps that; its tokens are elsewhere.
func azdInputs(s Settings) ([]token.Input, string) {
	dir := s.env("AZD_CONFIG_DIR")
	if dir == "" {
		dir = filepath.Join(s.home(), ".azd")
	}
	inputs := []token.Input{{Name: "azd", Value: dir}}
	reason := ""
	delegated := false
	for _, name := range []string{"auth.json", "config.json"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil && name == "auth.json" {
			reason = "who is signed in to azd is not known: " + err.Error()
		}
		delegated = delegated || strings.Contains(string(data), "useAzCliAuth")
		inputs = append(inputs, token.Input{Name: "azd-" + name, Value: token.Fingerprint(string(data))})
	}
	// An editor may lend azd its own identity.
	inputs = append(inputs, token.Input{Name: "AZD_AUTH_ENDPOINT", Value: s.env("AZD_AUTH_ENDPOINT")}, token.Input{Name: "AZD_AUTH_KEY", Value: token.Fingerprint(s.env("AZD_AUTH_KEY"))})
	if delegated {
		var more []token.Input
		more, reason = azureProfile(s)
		inputs = append(inputs, more...)
	}
	return inputs, reason
}
