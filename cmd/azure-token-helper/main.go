// A process of some milliseconds need not look every second whether its share of the processors has changed.
//
//go:debug updatemaxprocs=0

// Azure-token-helper gives a Google identity to everything that asks Azure for tokens. It takes a Google ID token,
// exchanges it at Entra ID as a client assertion, and prints what kubectl, the Azure SDKs (as az or azd), Terraform
// and scripts read.
//
//	kubectl:    command: azure-token-helper, args: [get-token, --server-id, …] in the kubeconfig's exec section
//	Azure SDKs: started under the name az or azd
//	scripts:    azure-token-helper get-token -o raw --resource https://storage.azure.com
package main

import (
	"context"
	"os"

	"github.com/idferry/idferry/internal/cli"
	_ "github.com/idferry/idferry/internal/leanstart"
)

// version is set by the linker for releases; builds by `go install` carry theirs in the build information.
var version string

func main() {
	cli.KeepMemory()
	os.Exit(run(context.Background(), cli.Current()))
}
