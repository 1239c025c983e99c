// Blobs lists the blobs of a container of Azure Storage, from Google Cloud, without a secret: as the Entra application that
// trusts the service account of the virtual machine, pod or job.
//
//	go run ./examples/blobs -sandbox
//	AZURE_TENANT_ID=… AZURE_CLIENT_ID=… go run ./examples/blobs https://mystorageaccount.blob.core.windows.net/data
//
// On a laptop AZURE_CLIENT_SECRET may have a secret of the application, or KEY_VAULT_URL the vault where it is kept.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
)

func main() {
	sandboxed := flag.Bool("sandbox", false, "run offline, on stand-ins of both clouds")
	flag.Parse()
	address, end := flag.Arg(0), func() {}
	if *sandboxed {
		address, end = sandbox()
	}
	err := list(context.Background(), address)
	end()
	if err != nil {
		fmt.Fprintln(os.Stderr, "blobs:", err)
		os.Exit(1)
	}
}

func list(ctx context.Context, address string) error {
	credential, err := choose(ctx)
	if err != nil {
		return err
	}
	client, err := container.NewClient(address, credential, nil)
	if err != nil {
		return err
	}
	for pager := client.NewListBlobsFlatPager(nil); pager.More(); {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, blob := range page.Segment.BlobItems {
			fmt.Println(*blob.Name)
		}
	}
	return nil
}
