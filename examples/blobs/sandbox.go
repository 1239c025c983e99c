//go:debug x509usefallbackroots=1

package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/idferry/idferry/internal/fakecloud"
)

// sandbox makes this process one of a virtual machine in a sandbox of both clouds. Leave this file out where you start from
// the example.
func sandbox() (address string, end func()) {
	_, end, err := fakecloud.Inhabit()
	err = errors.Join(err, os.Setenv("AZURE_TENANT_ID", fakecloud.SandboxTenant), os.Setenv("AZURE_CLIENT_ID", fakecloud.SandboxApp))
	if err != nil {
		fmt.Fprintln(os.Stderr, "blobs:", err)
		os.Exit(1)
	}
	return "https://" + fakecloud.SandboxStorage + "/" + fakecloud.SandboxContainer, end
}
