// A process of some milliseconds need not look every second whether its share of the processors has changed.
//
//go:debug updatemaxprocs=0

// Gcp-executable-source gives an Azure identity to Google's client libraries. They run it through the executable
// source of an external_account file (AIP-4117), and it prints the Entra ID token that Google's Security Token
// Service takes as subject token.
//
//	"credential_source": {
//	  "executable": {"command": "/usr/local/bin/gcp-executable-source --resource api://my-app"}
//	}
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
