package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
)

// Azurite's own account, and its name where a client makes a host of it.
const (
	azuriteAccount = "devstoreaccount1"
	azuriteHost    = azuriteAccount + ".blob.core.windows.net"
)

// startAzurite starts the Blob service. Its --oauth basic checks issuer, audience and times of the token, as the service
// does, and not its signature.
// https://github.com/Azure/Azurite#oauth-configuration
func startAzurite(ctx context.Context, shop *workshop, m *machine) (url string, stop func(), err error) {
	dir, node, err := nodePackages(ctx, shop, "azure/node")
	if err != nil {
		return "", nil, err
	}
	// It says "Azurite Blob service successfully listens on https://127.0.0.1:PORT".
	return m.serve(ctx, "successfully listens on ", []string{
		node, filepath.Join(dir, "node_modules", "azurite", "dist", "src", "blob", "main.js"), "--blobHost", "127.0.0.1", "--blobPort", "0", "--inMemoryPersistence",
		"--skipApiVersionCheck", "--disableTelemetry", "--oauth", "basic", "--cert", m.certFile, "--key", m.keyFile,
	})
}

// blobAsks writes and lists a blob with the storage library of each language, in Azurite.
func blobAsks(ctx context.Context, shop *workshop, m *machine) ([]ask, func(), error) {
	url, stop, err := startAzurite(ctx, shop, m)
	if err != nil {
		return nil, nil, err
	}
	url += "/" + azuriteAccount
	var asks []ask
	for _, language := range []func(context.Context, *workshop) ([]string, error){installGo("azblob"), installVenv("azure/python", "requirements.txt"), installNode} {
		argv, err := language(ctx, shop)
		if err != nil {
			stop()
			return nil, nil, err
		}
		if len(argv) > 1 {
			argv = append(argv, "Blobs")
		}
		asks = append(asks, ask{verb: "write and list a blob", argv: append(argv, url), check: listed})
	}
	return asks, stop, nil
}

func listed(_ *machine, a answer) error {
	if want := []string{"2026/11/report.csv"}; !a.OK || !slices.Equal(a.Blobs, want) {
		return fmt.Errorf("%q in the container, want %q: %s", a.Blobs, want, a.Error)
	}
	return nil
}
