// Azblob writes and lists a blob with azidentity's AzureCLICredential and prints how that went as one JSON line.
//
//	azblob ACCOUNT_URL
package main

import (
	"context"
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"

	"github.com/idferry/idferry/conformance/azure/go/answer"
)

func main() {
	answer.Print("azblob", "github.com/Azure/azure-sdk-for-go/sdk/storage/azblob", "Blobs", func(a *answer.Answer) error {
		ctx := context.Background()
		credential, err := azidentity.NewAzureCLICredential(nil)
		if err != nil {
			return err
		}
		client, err := azblob.NewClient(os.Args[1], credential, nil)
		if err != nil {
			return err
		}
		const container = "azblob"
		if _, err := client.CreateContainer(ctx, container, nil); err != nil {
			return err
		}
		if _, err := client.UploadBuffer(ctx, container, "2026/11/report.csv", []byte("a,b\n"), nil); err != nil {
			return err
		}
		for pages := client.NewListBlobsFlatPager(container, nil); pages.More(); {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return err
			}
			for _, blob := range page.Segment.BlobItems {
				a.Blobs = append(a.Blobs, *blob.Name)
			}
		}
		return nil
	})
}
