//go:debug x509usefallbackroots=1

package federation_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google/externalaccount"

	"github.com/idferry/idferry/federation"
	"github.com/idferry/idferry/federation/cache"
	"github.com/idferry/idferry/internal/fakecloud"
)

// The examples run as they are, on a machine of each cloud in a sandbox.
func TestMain(m *testing.M) {
	_, end, err := fakecloud.Inhabit()
	if err == nil {
		err = errors.Join(os.Setenv("AZURE_TENANT_ID", fakecloud.SandboxTenant), os.Setenv("IDFERRY_CACHE", "off"))
	}
	if err != nil {
		log.Fatal(err)
	}
	code := m.Run()
	end()
	os.Exit(code)
}

// A program on a virtual machine of Google's lists what is in a container of Azure Storage.
func ExampleNewAzureCredential() {
	credential, err := federation.NewAzureCredential(&federation.AzureCredentialOptions{
		TenantID: "11111111-1111-1111-1111-111111111111",
		ClientID: "33333333-3333-3333-3333-333333333333",
	})
	if err != nil {
		log.Fatal(err)
	}
	client, err := container.NewClient("https://mystorageaccount.blob.core.windows.net/data", credential, nil)
	if err != nil {
		log.Fatal(err)
	}
	for pager := client.NewListBlobsFlatPager(nil); pager.More(); {
		page, err := pager.NextPage(context.Background())
		if err != nil {
			log.Fatal(err)
		}
		for _, blob := range page.Segment.BlobItems {
			fmt.Println(*blob.Name)
		}
	}
	// Output:
	// 2026/10/report.csv
	// 2026/11/report.csv
}

// A program on a virtual machine of Azure's gets a token of a service account.
func ExampleNewGoogleCredentials() {
	credentials, err := federation.NewGoogleCredentials(
		"//iam.googleapis.com/projects/123456789/locations/global/workloadIdentityPools/azure/providers/entra",
		&federation.GoogleCredentialsOptions{
			ServiceAccount:       "reader@sandbox-project.iam.gserviceaccount.com",
			SubjectTokensOptions: federation.SubjectTokensOptions{Resource: "api://idferry-sandbox"},
		})
	if err != nil {
		log.Fatal(err)
	}
	// Clients take them whole: bigquery.NewClient(ctx, "my-project", option.WithAuthCredentials(credentials)).
	token, err := credentials.Token(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(token.Type, token.IsValid())
	// Output: Bearer true
}

// A program that has an Azure credential already, and uses golang.org/x/oauth2 for Google.
func ExampleSubjectTokens() {
	credential, err := azidentity.NewManagedIdentityCredential(nil)
	if err != nil {
		log.Fatal(err)
	}
	tokens, err := federation.NewSubjectTokens(&federation.SubjectTokensOptions{Credential: credential, Resource: "api://idferry-sandbox"})
	if err != nil {
		log.Fatal(err)
	}
	source, err := externalaccount.NewTokenSource(context.Background(), externalaccount.Config{
		Audience:             "//iam.googleapis.com/projects/123456789/locations/global/workloadIdentityPools/azure/providers/entra",
		SubjectTokenType:     "urn:ietf:params:oauth:token-type:jwt",
		TokenURL:             "https://sts.googleapis.com/v1/token",
		Scopes:               []string{"https://www.googleapis.com/auth/cloud-platform"},
		SubjectTokenSupplier: tokens,
	})
	if err != nil {
		log.Fatal(err)
	}
	resp, err := oauth2.NewClient(context.Background(), source).Get("https://storage.googleapis.com/storage/v1/b/sandbox-bucket/o")
	if err != nil {
		log.Fatal(err)
	}
	// The pool's principal has no role there: it would be the service account's.
	fmt.Println(resp.StatusCode == http.StatusForbidden)
	// Output: true
}

// What to do about a refusal is part of it.
func ExampleError() {
	credential, err := federation.NewAzureCredential(&federation.AzureCredentialOptions{
		TenantID:          "11111111-1111-1111-1111-111111111111",
		ClientID:          "33333333-3333-3333-3333-333333333333",
		AssertionAudience: "api://AzureADTokenExchangeChina",
	})
	if err != nil {
		log.Fatal(err)
	}
	_, err = credential.GetToken(context.Background(), policy.TokenRequestOptions{Scopes: []string{"https://storage.azure.com/.default"}})
	var refusal *federation.Error
	if errors.As(err, &refusal) {
		fmt.Println(refusal.Code)
		fmt.Println(refusal.Cause)
		// refusal.Commands mend it: the first is az ad app federated-credential update …
	}
	// Output:
	// AADSTS700212
	// a federated credential of the application has this issuer and subject, and another audience
}

// A program that starts often keeps its tokens for the next start.
func ExampleCache() {
	kept, err := cache.Open(nil)
	if err != nil {
		log.Fatal(err)
	}
	_, err = federation.NewAzureCredential(&federation.AzureCredentialOptions{
		ClientID:      "33333333-3333-3333-3333-333333333333",
		ClientOptions: federation.ClientOptions{Cache: kept},
	})
	fmt.Println(err)
	// Output: <nil>
}
