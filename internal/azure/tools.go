package azure

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// openAzureCLI is whoever is signed in with az.
func openAzureCLI(s Settings) (*Identity, error) {
	c, err := azidentity.NewAzureCLICredential(&azidentity.AzureCLICredentialOptions{TenantID: s.TenantID})
	inputs, unknown := s.azureCLIProfile()
	return tool("az", "az login", c, err, inputs, unknown)
}

// openAzureDeveloperCLI is whoever is signed in with azd.
func openAzureDeveloperCLI(s Settings) (*Identity, error) {
	c, err := azidentity.NewAzureDeveloperCLICredential(&azidentity.AzureDeveloperCLICredentialOptions{TenantID: s.TenantID})
	inputs, unknown := s.azureDeveloperCLIProfile()
	return tool("azd", "azd auth login", c, err, inputs, unknown)
}

// openAzurePowerShell is whoever is signed in with Azure PowerShell, whose profile has no documented form to read.
func openAzurePowerShell(s Settings) (*Identity, error) {
	c, err := azidentity.NewAzurePowerShellCredential(&azidentity.AzurePowerShellCredentialOptions{TenantID: s.TenantID})
	return tool("Azure PowerShell", "Connect-AzAccount", c, err, nil, "who is signed in with Azure PowerShell is known to it alone")
}

func tool(name, signIn string, c azcore.TokenCredential, err error, inputs []token.Input, unknown string) (*Identity, error) {
	if err != nil {
		return nil, problem.Input("--tenant-id", "%w", err)
	}
	return &Identity{credential: c, inputs: inputs, unknown: unknown, explain: func(err error) error {
		e := problem.From(entra.Explain(err))
		if strings.HasPrefix(e.Code, "AADSTS") {
			return e
		}
		said := err.Error()
		if _, after, ok := strings.Cut(said, "Credential: "); ok {
			said = after
		}
		said, _, _ = strings.Cut(said, "To troubleshoot, visit")
		said = strings.TrimRight(strings.Join(strings.Fields(token.NewRedactor().Clean(said)), " "), ". ")
		p := problem.New(problem.NoIdentity, "%s gave no token: %s", name, said).WithHint("%s", signIn)
		if strings.Contains(said, "not found on path") {
			p.Hint = "install " + name + ", or put it on PATH: the client library that runs this passes its own PATH on"
		}
		p.Err = err
		return p
	}}, nil
}

// azureCLIProfile reads which account az has in force. Without that a cached token could be another account's.
func (s Settings) azureCLIProfile() ([]token.Input, string) {
	dir := s.getenv("AZURE_CONFIG_DIR")
	if dir == "" {
		dir = filepath.Join(s.home(), ".azure")
	}
	data, err := os.ReadFile(filepath.Join(dir, "azureProfile.json"))
	if err != nil {
		return nil, "the profile of az cannot be read: " + err.Error()
	}
	var profile struct {
		Subscriptions []struct {
			ID        string `json:"id"`
			TenantID  string `json:"tenantId"`
			IsDefault bool   `json:"isDefault"`
			User      struct {
				Name string `json:"name"`
				Type string `json:"type"`
			} `json:"user"`
		} `json:"subscriptions"`
	}
	// az writes the file with a byte order mark.
	if err := json.Unmarshal(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), &profile); err != nil {
		return nil, "the profile of az is not JSON: " + err.Error()
	}
	for _, sub := range profile.Subscriptions {
		if sub.IsDefault {
			return []token.Input{
				input("az profile", dir), input("subscription", sub.ID), input("home tenant", sub.TenantID),
				input("user", sub.User.Name), input("user type", sub.User.Type),
			}, ""
		}
	}
	return nil, "az has no default subscription"
}

// azureDeveloperCLIProfile takes azd's two files as they are: whoever signs in changes one of them.
func (s Settings) azureDeveloperCLIProfile() ([]token.Input, string) {
	dir := s.getenv("AZD_CONFIG_DIR")
	if dir == "" {
		dir = filepath.Join(s.home(), ".azd")
	}
	inputs := []token.Input{input("azd configuration", dir)}
	found := false
	for _, name := range []string{"auth.json", "config.json"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		found = found || err == nil
		inputs = append(inputs, input(name, token.Fingerprint(string(data))))
	}
	if !found {
		return nil, "the configuration of azd cannot be read in " + dir
	}
	return inputs, ""
}

func (s Settings) home() string {
	if home := s.getenv("HOME"); home != "" {
		return home
	}
	return s.getenv("USERPROFILE")
}
