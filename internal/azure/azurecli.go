package azure

import (
	"bytes"
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

// azureCLI is whoever is signed in to az.
// https://learn.microsoft.com/cli/azure/account#az-account-get-access-token
type azureCLI struct {
	settings Settings
	program  program
}

func openAzureCLI(s Settings) (source, error) {
	if err := argument("--tenant-id", s.TenantID); err != nil {
		return nil, err
	}
	a := &azureCLI{settings: s}
	a.program = program{name: "az", install: "https://learn.microsoft.com/cli/azure/install-azure-cli", explain: a.explain}
	return a, nil
}

func (a *azureCLI) token(ctx context.Context, scope string) (token.Token, error) {
	// As azidentity: a resource, because old versions of az know no scopes.
	resource := strings.TrimSuffix(scope, "/.default")
	if err := argument("--scope", resource); err != nil {
		return token.Token{}, err
	}
	args := []string{"account", "get-access-token", "--output", "json", "--resource", resource}
	if a.settings.TenantID != "" {
		args = append(args, "--tenant", a.settings.TenantID)
	}
	out, err := a.program.run(ctx, a.settings, args...)
	if err != nil {
		return token.Token{}, err
	}
	return azPrinted(out)
}

// azPrinted reads what `az account get-access-token` prints.
func azPrinted(out []byte) (token.Token, error) {
	var answer struct {
		AccessToken string `json:"accessToken"`
		// ExpiresOnUnix is there since version 2.54; ExpiresOn is local time, which is ambiguous for an hour a year.
		ExpiresOnUnix int64  `json:"expires_on"`
		ExpiresOn     string `json:"expiresOn"`
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		return token.Token{}, badOutput("az account get-access-token")
	}
	expires := time.Unix(answer.ExpiresOnUnix, 0)
	if answer.ExpiresOnUnix == 0 {
		var err error
		if expires, err = time.ParseInLocation("2006-01-02 15:04:05.999999", answer.ExpiresOn, time.Local); err != nil {
			return token.Token{}, badOutput("az account get-access-token")
		}
	}
	return token.Token{Value: token.NewSecret(answer.AccessToken), ExpiresOn: expires.UTC()}, nil
}

func badOutput(command string) error {
	return problem.New(problem.BadAnswer, "%s printed something that is not its documented JSON", command).WithHint("try it alone: %s --output json", command)
}

func (a *azureCLI) explain(stderr string) error {
	login := "az login"
	if a.settings.TenantID != "" {
		login += " --tenant " + a.settings.TenantID
	}
	if strings.Contains(stderr, "AADSTS") {
		e := problem.From(entra.Explain(problemText(stderr)))
		if e.Hint == "" || strings.Contains(stderr, "az login") {
			return e.MendedBy("sign in again", login)
		}
		return e
	}
	e := problem.New(problem.NoIdentity, "az account get-access-token: %s", quote(strings.TrimPrefix(strings.TrimSpace(stderr), "ERROR: ")))
	if strings.Contains(stderr, "az login") || strings.Contains(stderr, "az account set") || stderr == "" {
		return e.WithHint("%s", login)
	}
	return e.WithHint("try it alone: az account get-access-token --output none")
}

// problemText is a program's words as an error.
type problemText string

func (t problemText) Error() string { return string(t) }

func (a *azureCLI) inputs() ([]token.Input, string) {
	inputs, reason := azureProfile(a.settings)
	return inputs, reason
}

// azureProfile says who is signed in to az, from the file in which az keeps its subscriptions.
func azureProfile(s Settings) ([]token.Input, string) {
	dir := s.env("AZURE_CONFIG_DIR")
	if dir == "" {
		dir = filepath.Join(s.home(), ".azure")
	}
	path := filepath.Join(dir, "azureProfile.json")
	inputs := []token.Input{{Name: "azure-cli", Value: path}}
	data, err := os.ReadFile(path)
	if err != nil {
		return inputs, "who is signed in to az is not known: " + err.Error()
	}
	var profile struct {
		Subscriptions []struct {
			ID              string `json:"id"`
			TenantID        string `json:"tenantId"`
			EnvironmentName string `json:"environmentName"`
			IsDefault       bool   `json:"isDefault"`
			User            struct {
				Name                 string `json:"name"`
				Type                 string `json:"type"`
				AssignedIdentityInfo string `json:"assignedIdentityInfo"`
			} `json:"user"`
		} `json:"subscriptions"`
	}
	// az writes it with a byte order mark.
	if json.Unmarshal(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), &profile) != nil {
		return inputs, "who is signed in to az is not known: " + path + " is not in its usual form"
	}
	for _, p := range profile.Subscriptions {
		if !p.IsDefault {
			continue
		}
		inputs = append(inputs,
			token.Input{Name: "subscription", Value: p.ID}, token.Input{Name: "subscription-tenant", Value: p.TenantID}, token.Input{Name: "subscription-cloud", Value: p.EnvironmentName},
			token.Input{Name: "user", Value: p.User.Name}, token.Input{Name: "user-type", Value: p.User.Type}, token.Input{Name: "user-identity", Value: p.User.AssignedIdentityInfo})
		if strings.HasSuffix(p.User.Name, "AssignedIdentity") {
			// az login --identity: then it is the machine's.
			inputs = append(inputs, s.machineInputs()...)
		}
		return inputs, ""
	}
	return inputs, "who is signed in to az is not known: " + path + " has no default subscription"
}

// home is the user's home directory.
func (s Settings) home() string {
	if home := s.or("", "HOME", "USERPROFILE"); home != "" {
		return home
	}
	home, _ := os.UserHomeDir()
	return home
}
