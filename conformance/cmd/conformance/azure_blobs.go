package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// blobAsks writes and lists a blob with the storage library of each language, in Azurite. Its --oauth basic checks
// issuer, audience and times of the token, as the service does, and not its signature.
// https://github.com/Azure/Azurite#oauth-configuration
func blobAsks(ctx context.Context, shop *workshop, m *machine) ([]ask, func(), error) {
	dir, node, err := nodePackages(ctx, shop)
	if err != nil {
		return nil, nil, err
	}
	url, stop, err := startAzurite(ctx, m, node, filepath.Join(dir, "node_modules", "azurite", "dist", "src", "blob", "main.js"))
	if err != nil {
		return nil, nil, err
	}
	var asks []ask
	for _, language := range []func(context.Context, *workshop) ([]string, error){installGo("azblob"), installPython, installNode} {
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

// startAzurite returns the URL of its account.
func startAzurite(ctx context.Context, m *machine, node, program string) (string, func(), error) {
	cert, key := filepath.Join(m.dir, "azurite.crt"), filepath.Join(m.dir, "azurite.key")
	if err := errors.Join(os.WriteFile(cert, m.certPEM, 0o600), os.WriteFile(key, m.keyPEM, 0o600)); err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	azurite := exec.CommandContext(ctx, node, program, "--blobHost", "127.0.0.1", "--blobPort", "0", "--inMemoryPersistence", "--skipApiVersionCheck",
		"--disableTelemetry", "--oauth", "basic", "--cert", cert, "--key", key)
	azurite.Dir, azurite.Env = m.dir, []string{"HOME=" + m.dir}
	azurite.WaitDelay = time.Second
	stdout, err := azurite.StdoutPipe()
	if err == nil {
		azurite.Stderr = azurite.Stdout
		err = azurite.Start()
	}
	if err != nil {
		cancel()
		return "", nil, err
	}
	stop := func() { cancel(); _ = azurite.Wait() }
	var said strings.Builder
	late := time.AfterFunc(patience, cancel)
	// It says "Azurite Blob service successfully listens on https://127.0.0.1:PORT".
	for lines := bufio.NewScanner(stdout); lines.Scan(); said.WriteString(lines.Text() + "\n") {
		if _, url, ok := strings.Cut(lines.Text(), "successfully listens on "); ok {
			late.Stop()
			go func() { _, _ = io.Copy(io.Discard, stdout) }()
			return strings.TrimSpace(url) + "/devstoreaccount1", stop, nil
		}
	}
	stop()
	return "", nil, fmt.Errorf("azurite did not start:\n%s", said.String())
}
