package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/hashicorp/go-azure-sdk/sdk/auth"
	"github.com/hashicorp/go-azure-sdk/sdk/environments"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclparse"
	"golang.org/x/oauth2/google"
)

// configuration is what the stand-in for Terraform reads of main.tf.
type configuration struct {
	Terraform struct {
		Backend struct {
			Kind   string   `hcl:"kind,label"`
			Remain hcl.Body `hcl:",remain"`
		} `hcl:"backend,block"`
		Remain hcl.Body `hcl:",remain"`
	} `hcl:"terraform,block"`
	Remain hcl.Body `hcl:",remain"`
}

// terraform opens the state, and for apply the provider, of the directory that it is started in.
func terraform(ctx context.Context, args []string) error {
	file, diagnostics := hclparse.NewParser().ParseHCLFile("main.tf")
	if diagnostics.HasErrors() {
		return diagnostics
	}
	var c configuration
	if diagnostics := gohcl.DecodeBody(file.Body, nil, &c); diagnostics.HasErrors() {
		return diagnostics
	}
	planned := slices.Equal(args, []string{"plan"})
	if !planned && (len(args) == 0 || !slices.Contains([]string{"init", "apply"}, args[0]) || !slices.Contains(args, "-input=false") || args[0] == "apply" && !slices.Contains(args, "-auto-approve")) {
		return fmt.Errorf("%q would ask somebody", args)
	}
	backend := c.Terraform.Backend
	switch backend.Kind {
	case "azurerm":
		return azurerm(ctx, backend.Remain, args[0] != "init")
	case "gcs":
		return gcs(ctx, backend.Remain)
	}
	return fmt.Errorf("nothing is known of the backend %q", backend.Kind)
}

// azurerm has the credentials of the provider and the backend of this name: the settings in the order in which they look
// at them.
// https://github.com/hashicorp/terraform-provider-azurerm/blob/main/internal/provider/provider.go
func azurerm(ctx context.Context, body hcl.Body, provider bool) error {
	var backend struct {
		Account   string `hcl:"storage_account_name"`
		Container string `hcl:"container_name"`
		Key       string `hcl:"key"`
		UseEntra  bool   `hcl:"use_azuread_auth"`
	}
	if diagnostics := gohcl.DecodeBody(body, nil, &backend); diagnostics.HasErrors() {
		return diagnostics
	}
	if !backend.UseEntra {
		return fmt.Errorf("the backend would ask for the account's keys")
	}
	azure, federated := environments.AzurePublic(), os.Getenv("ARM_USE_OIDC") == "true"
	credentials := auth.Credentials{
		Environment: *azure, ClientID: os.Getenv("ARM_CLIENT_ID"), TenantID: os.Getenv("ARM_TENANT_ID"),
		EnableAuthenticatingUsingClientSecret: true, ClientSecret: os.Getenv("ARM_CLIENT_SECRET"),
		EnableAuthenticationUsingOIDC: federated, OIDCAssertionToken: os.Getenv("ARM_OIDC_TOKEN"),
		EnableAuthenticationUsingGitHubOIDC: federated, OIDCTokenRequestURL: os.Getenv("ARM_OIDC_REQUEST_URL"), OIDCTokenRequestToken: os.Getenv("ARM_OIDC_REQUEST_TOKEN"),
	}
	storage, err := auth.NewAuthorizerFromCredentials(ctx, credentials, azure.Storage)
	if err != nil {
		return err
	}
	token, err := storage.Token(ctx, nil)
	if err != nil {
		return err
	}
	if err := list(ctx, backend.Account, backend.Container, token.AccessToken); err != nil || !provider {
		return err
	}
	// The provider refuses to start without it, and asks for its token at once.
	if _, err := required("ARM_SUBSCRIPTION_ID"); err != nil {
		return err
	}
	manager, err := auth.NewAuthorizerFromCredentials(ctx, credentials, azure.ResourceManager)
	if err != nil {
		return err
	}
	if _, err := manager.Token(ctx, nil); err != nil {
		return err
	}
	fmt.Println("provider configured")
	return nil
}

// gcs has the credentials of the backend of this name and of the google provider.
func gcs(ctx context.Context, body hcl.Body) error {
	var backend struct {
		Bucket string `hcl:"bucket"`
		Prefix string `hcl:"prefix"`
	}
	if diagnostics := gohcl.DecodeBody(body, nil, &backend); diagnostics.HasErrors() {
		return diagnostics
	}
	if _, err := required("GOOGLE_CLOUD_PROJECT"); err != nil {
		return err
	}
	credentials, err := google.FindDefaultCredentials(ctx, cloudPlatform)
	if err != nil {
		return err
	}
	token, err := credentials.TokenSource.Token()
	if err != nil {
		return err
	}
	_, err = get(ctx, "https://storage.googleapis.com/storage/v1/b/"+backend.Bucket+"/o", token.AccessToken)
	if err == nil {
		fmt.Printf("bucket %s\n", backend.Bucket)
	}
	return err
}
