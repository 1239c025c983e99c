// Goazuresdk asks the authorizer of Terraform's azurerm provider for one token and prints how that went as one JSON line.
//
//	goazuresdk SUBSCRIPTION|"" TENANT
package main

import (
	"context"
	"os"

	"github.com/hashicorp/go-azure-sdk/sdk/auth"
	"github.com/hashicorp/go-azure-sdk/sdk/environments"

	"github.com/idferry/idferry/conformance/azure/go/answer"
)

func main() {
	answer.Print("go-azure-sdk", "github.com/hashicorp/go-azure-sdk/sdk", "NewAuthorizerFromCredentials", func(a *answer.Answer) error {
		ctx := context.Background()
		azure := environments.AzurePublic()
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
