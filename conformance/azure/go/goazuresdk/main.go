// Goazuresdk asks the authorizer of Terraform's azurerm provider for one token and prints how that went as one JSON line.
//
//	goazuresdk SUBSCRIPTION|"" TENANT
//	goazuresdk every SECONDS APART    the same authorizer over and over, by the request URL
package main

import (
	"context"
	"os"
	"strings"

	"github.com/hashicorp/go-azure-sdk/sdk/auth"
	"github.com/hashicorp/go-azure-sdk/sdk/environments"

	"github.com/idferry/idferry/conformance/azure/go/answer"
)

func main() {
	answer.Print("go-azure-sdk", "github.com/hashicorp/go-azure-sdk/sdk", "NewAuthorizerFromCredentials", func(a *answer.Answer) error {
		ctx := context.Background()
		azure := environments.AzurePublic()
		if os.Args[1] == "every" {
			return requestURL(ctx, a, azure)
		}
		authorizer, err := auth.NewAuthorizerFromCredentials(ctx, auth.Credentials{
			Environment: *azure, TenantID: os.Args[2], AzureCliSubscriptionIDHint: os.Args[1], EnableAuthenticatingUsingAzureCLI: true,
		}, azure.ResourceManager)
		if err != nil {
			return err
		}
		token, err := authorizer.Token(ctx, nil)
		if err != nil {
			return err
		}
		a.Token, a.ExpiresOn = token.AccessToken, token.Expiry.Unix()
		return nil
	})
}

// requestURL reads the environment as the providers and the backend do.
func requestURL(ctx context.Context, a *answer.Answer, azure *environments.Environment) error {
	authority := strings.TrimSuffix(os.Getenv("AZURE_AUTHORITY_HOST"), "/")
	azure.Authorization.LoginEndpoint = authority
	authorizer, err := auth.NewAuthorizerFromCredentials(ctx, auth.Credentials{
		Environment: *azure, TenantID: os.Getenv("ARM_TENANT_ID"), ClientID: os.Getenv("ARM_CLIENT_ID"),
		EnableAuthenticationUsingGitHubOIDC: os.Getenv("ARM_USE_OIDC") == "true",
		OIDCTokenRequestURL:                 os.Getenv("ARM_OIDC_REQUEST_URL"), OIDCTokenRequestToken: os.Getenv("ARM_OIDC_REQUEST_TOKEN"),
	}, azure.ResourceManager)
	if err != nil {
		return err
	}
	return a.Every(os.Args[2:], func() (string, error) {
		token, err := authorizer.Token(ctx, nil)
		if err != nil {
			return "", err
		}
		return token.AccessToken, nil
	})
}
