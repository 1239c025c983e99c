package main

import (
	"context"
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"

	"github.com/idferry/idferry/federation"
)

// choose returns the Google identity's credential, or a developer's own where there is one: a secret in the environment, or
// one in a vault that whoever has signed in with az may read.
func choose(ctx context.Context) (azcore.TokenCredential, error) {
	secret, vault := os.Getenv("AZURE_CLIENT_SECRET"), os.Getenv("KEY_VAULT_URL")
	if secret == "" && vault == "" {
		return federation.NewAzureCredential(nil)
	}
	if secret == "" {
		var err error
		if secret, err = fromVault(ctx, vault, os.Getenv("KEY_VAULT_SECRET")); err != nil {
			return nil, err
		}
	}
	return azidentity.NewClientSecretCredential(os.Getenv("AZURE_TENANT_ID"), os.Getenv("AZURE_CLIENT_ID"), secret, nil)
}

func fromVault(ctx context.Context, vault, name string) (string, error) {
	person, err := azidentity.NewAzureCLICredential(nil)
	if err != nil {
		return "", err
	}
	client, err := azsecrets.NewClient(vault, person, nil)
	if err != nil {
		return "", err
	}
	found, err := client.GetSecret(ctx, name, "", nil)
	if err != nil {
		return "", err
	}
	return *found.Value, nil
}
