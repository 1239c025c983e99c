package azure

import (
	"context"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// openDeviceCode is a person who signs in elsewhere with a code.
func openDeviceCode(s Settings) (*Identity, error) {
	options := s.client()
	c, err := azidentity.NewDeviceCodeCredential(&azidentity.DeviceCodeCredentialOptions{
		ClientOptions: options, TenantID: s.TenantID, ClientID: s.ClientID, DisableInstanceDiscovery: true,
		UserPrompt: func(_ context.Context, m azidentity.DeviceCodeMessage) error {
			_, err := fmt.Fprintln(s.Prompt, m.Message)
			return err
		},
	})
	return s.person("device-code", c, err, explainKept(options))
}

// openBrowser is a person who signs in with a browser on this machine.
func openBrowser(s Settings) (*Identity, error) {
	options := s.client()
	c, err := azidentity.NewInteractiveBrowserCredential(&azidentity.InteractiveBrowserCredentialOptions{
		ClientOptions: options, TenantID: s.TenantID, ClientID: s.ClientID, DisableInstanceDiscovery: true,
	})
	return s.person("browser", c, err, explainKept(options))
}

// person wraps a credential that needs somebody at a terminal. Without one only the cache can answer: a token that
// somebody signed in for is good until it expires.
func (s Settings) person(name string, c azcore.TokenCredential, err error, explain func(error) error) (*Identity, error) {
	if err != nil {
		return nil, problem.Input("--tenant-id", "%w", err)
	}
	if s.Prompt == nil {
		c = nobody{name}
	}
	return &Identity{credential: c, explain: explain, inputs: []token.Input{input("home", s.home())}}, nil
}

type nobody struct{ name string }

func (n nobody) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{}, problem.New(problem.Interaction, "somebody has to sign in, and nobody is at a terminal here").
		WithHint("run the same command at a terminal once (gcp-executable-source --credential %s …): its token serves until it expires", n.name)
}
