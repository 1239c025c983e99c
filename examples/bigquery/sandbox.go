//go:debug x509usefallbackroots=1

package main

import (
	"fmt"
	"os"

	"github.com/idferry/idferry/internal/fakecloud"
)

// sandbox makes this process one of a virtual machine in a sandbox of both clouds. Leave this file out where you start from
// the example.
func sandbox() (project, audience, account string, end func()) {
	_, end, err := fakecloud.Inhabit()
	if err == nil {
		err = os.Setenv("IDFERRY_RESOURCE", fakecloud.SandboxResource)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bigquery:", err)
		os.Exit(1)
	}
	return fakecloud.SandboxProject, fakecloud.SandboxProvider, fakecloud.SandboxAccount, end
}
