package main

import (
	"os"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/idferry/idferry/internal/cli"
	"github.com/idferry/idferry/internal/reference"
)

func TestReference(t *testing.T) {
	reference.Hold(t, reference.Program{
		Record: os.Getenv("IDFERRY_TEST_RECORD") != "",
		Command: func(args ...string) *cobra.Command {
			code := cli.ExitOK
			return newRoot(cli.Process{
				Name: "gcp-executable-source", Args: args, Lookup: func(string) (string, bool) { return "", false }, Now: time.Now,
			}, &code)
		},
		ExitStatus: `# EXIT STATUS
0
: A document was printed, also where it says that there is no token; or the verb did what it says.

1
: The verb could not do it; standard error has the code and what to type next.

2
: A flag, variable or file is unusable, and nothing was attempted.

**exec** ends as its program does; 125, 126 and 127: gcp-executable-source-exec(1).
`,
		Environment: []reference.Variable{
			{Name: "GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE", Does: "The provider for which Google's library wants the token, with **GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE**; libraries set them (AIP-4117)."},
			{Name: "GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE", Does: "The file that gets a copy of the document."},
			{Name: "GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE", Does: "1: a person may be asked to sign in."},
			{Name: "GOOGLE_EXTERNAL_ACCOUNT_REVOKE", Does: "1: what is remembered for this call is forgotten."},
			{Name: "HTTPS_PROXY", Does: "The proxy, with **NO_PROXY**; metadata addresses are never asked through it."},
			{Name: "SSL_CERT_FILE", Does: "A file of certificates to trust in place of the system's, with **SSL_CERT_DIR** (Linux, FreeBSD)."},
		},
	})
}
