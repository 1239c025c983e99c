// Library is a program that uses what package federation is for, so that this is linked; it is only ever started to be
// traced, and then does nothing.
package main

import (
	"os"

	"github.com/idferry/idferry/federation"
	"github.com/idferry/idferry/federation/cache"
)

func main() {
	if len(os.Args) == 1 {
		return
	}
	var azure federation.AzureCredentialOptions
	azure.Cache, _ = cache.Open(nil)
	_, _ = federation.NewAzureCredential(&azure)
	_, _ = federation.NewGoogleCredentials(os.Args[1], nil)
}
