package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"

	"github.com/idferry/idferry/internal/fakecloud"
)

// googleToAzure lets Azure's own Go library run the helper as if it were az, and kubectl as its exec plugin.
func (w *world) googleToAzure(ctx context.Context) error {
	say("\nGoogle → Azure: a virtual machine's service account lists blobs")
	say("  azidentity.AzureCLICredential finds az on PATH, which is azure-token-helper")
	for call := 1; call <= 2; call++ {
		start := time.Now()
		metadata, entra := len(w.clouds.Google.Metadata.Requests()), w.askedEntra()
		names, err := w.listBlobs(ctx)
		if err != nil {
			return err
		}
		hit, err := w.cached()
		if err != nil {
			return err
		}
		from := fmt.Sprintf("Entra ID, asked %d times, for a Google ID token of %s (metadata server, asked %d time)",
			w.askedEntra()-entra, fakecloud.SandboxAccount, len(w.clouds.Google.Metadata.Requests())-metadata)
		if hit {
			from = "the cache; nothing was asked"
		}
		say("  call %d  Entra token from %s", call, from)
		say("          → azblob lists container %s: %s   %s", fakecloud.SandboxContainer, strings.Join(names, ", "), took(start))
		if hit != (call == 2) {
			return fmt.Errorf("call %d: answered by the cache: %v", call, hit)
		}
	}
	return w.kubectl(ctx)
}

// askedEntra counts what the helper asks of Entra ID; the storage account and the API server read its keys besides.
func (w *world) askedEntra() int {
	asked := 0
	for _, r := range w.clouds.Entra.Requests() {
		if !strings.Contains(r.Path, "/discovery/") {
			asked++
		}
	}
	return asked
}

// listBlobs is a program of an Azure user: a credential, a container, its blobs.
func (w *world) listBlobs(ctx context.Context) ([]string, error) {
	credential, err := azidentity.NewAzureCLICredential(nil)
	if err != nil {
		return nil, err
	}
	client, err := azblob.NewClient(w.clouds.Blob.URL, credential, &azblob.ClientOptions{ClientOptions: azcore.ClientOptions{
		Transport: w.clouds.CA.Client(), Retry: policy.RetryOptions{MaxRetries: -1},
	}})
	if err != nil {
		return nil, err
	}
	var names []string
	for pager := client.NewListBlobsFlatPager(fakecloud.SandboxContainer, nil); pager.More(); {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, blob := range page.Segment.BlobItems {
			names = append(names, *blob.Name)
		}
	}
	return names, nil
}

// kubectl asks an API server who it is taken for, where kubectl is installed.
func (w *world) kubectl(ctx context.Context) error {
	say("\nGoogle → Azure: kubectl with azure-token-helper as its exec plugin")
	kubectl, err := exec.LookPath("kubectl")
	if err != nil {
		say("  kubectl is not installed here; skipped")
		return nil
	}
	config := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters:
- name: aks
  cluster: {server: %q, certificate-authority-data: %s}
users:
- name: me
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      interactiveMode: Never
      command: azure-token-helper
      args: [get-token, --server-id, %s]
contexts:
- name: aks
  context: {cluster: aks, user: me}
current-context: aks
`, w.clouds.Kubernetes.URL, base64.StdEncoding.EncodeToString(w.clouds.CA.PEM), fakecloud.AKSServer)
	if err := os.WriteFile(w.path("kubeconfig"), []byte(config), 0o600); err != nil {
		return err
	}
	for call := 1; call <= 2; call++ {
		start := time.Now()
		cmd := exec.CommandContext(ctx, kubectl, "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}")
		cmd.Env = append(os.Environ(), "KUBECONFIG="+w.path("kubeconfig"), "HOME="+w.dir)
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("kubectl auth whoami: %w\n%s", err, out)
		}
		hit, err := w.cached()
		if err != nil {
			return err
		}
		from := "a new exchange"
		if hit {
			from = "the cache"
		}
		say("  call %d  kubectl auth whoami: the application's service principal %s, by a token from %s   %s", call, strings.TrimSpace(string(out)), from, took(start))
	}
	return nil
}
