package fakecloud

import (
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
)

func TestBlobTakesAzblobsUploadFromAContributorOnly(t *testing.T) {
	s, options := sandbox(t)
	token, err := s.Entra.mint(Application{TenantID: SandboxTenant, ClientID: SandboxApp, ObjectID: SandboxAppOID}, "https://storage.azure.com", bySecret)
	if err != nil {
		t.Fatal(err)
	}
	client, err := azblob.NewClient(s.Blob.URL, fixed(token), &azblob.ClientOptions{ClientOptions: azcore.ClientOptions{Transport: options.Transport, Retry: options.Retry}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.UploadBuffer(t.Context(), SandboxContainer, "new.csv", []byte("c,d\n"), nil); !bloberror.HasCode(err, bloberror.AuthorizationPermissionMismatch) {
		t.Errorf("a reader's: %v", err)
	}
	s.Blob.GrantContributor(SandboxAppOID)
	if _, err := client.UploadBuffer(t.Context(), SandboxContainer, "new.csv", []byte("c,d\n"), nil); err != nil || string(s.Blob.Content(SandboxContainer, "new.csv")) != "c,d\n" {
		t.Errorf("%v %q", err, s.Blob.Content(SandboxContainer, "new.csv"))
	}
}
