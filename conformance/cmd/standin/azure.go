package main

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// upload is `python3 upload.py FILE…`, with the Go twin of the credential that the script uses. The script's own words
// are Python's to read.
func upload(ctx context.Context, args []string) error {
	if len(args) < 2 || args[0] != "upload.py" {
		return fmt.Errorf("%q is not the script with something to upload", args)
	}
	account, err := required("STORAGE_ACCOUNT")
	if err != nil {
		return err
	}
	container, err := required("CONTAINER")
	if err != nil {
		return err
	}
	token, err := storageToken(ctx)
	if err != nil {
		return err
	}
	for _, name := range args[1:] {
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		address := fmt.Sprintf("https://%s.blob.core.windows.net/%s/%s", account, container, filepath.Base(name))
		_, err = ask(ctx, http.MethodPut, address, token, file)
		_ = file.Close()
		if err != nil {
			return err
		}
		fmt.Printf("uploaded %s\n", name)
	}
	return nil
}

// serveFromBlobs is the application of a pod on GKE.
func serveFromBlobs(ctx context.Context) error {
	token, err := storageToken(ctx)
	if err != nil {
		return err
	}
	return list(ctx, "mystorageaccount", "reports", token)
}

func storageToken(ctx context.Context) (string, error) {
	credential, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		return "", err
	}
	token, err := credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{"https://storage.azure.com/.default"}})
	return token.Token, err
}

// list prints the blobs of a container.
func list(ctx context.Context, account, container, token string) error {
	address := fmt.Sprintf("https://%s.blob.core.windows.net/%s?restype=container&comp=list", account, container)
	body, err := get(ctx, address, token)
	if err != nil {
		return err
	}
	var answer struct {
		Blobs []struct {
			Name string
		} `xml:"Blobs>Blob"`
	}
	if err := xml.Unmarshal(body, &answer); err != nil {
		return err
	}
	for _, blob := range answer.Blobs {
		fmt.Printf("blob %s/%s\n", container, blob.Name)
	}
	return nil
}

// get returns what is at an address for whoever the token stands for.
func get(ctx context.Context, address, token string) ([]byte, error) {
	return ask(ctx, http.MethodGet, address, token, nil)
}

// ask returns the answer to a request.
func ask(ctx context.Context, method, address, token string, body io.Reader) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("x-ms-version", "2021-12-02")
	request.Header.Set("x-ms-blob-type", "BlockBlob")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= http.StatusMultipleChoices {
		err = fmt.Errorf("%s %s: %s: %s", method, address, response.Status, answer)
	}
	return answer, err
}
