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
			root, _ := surface(cli.Process{
				Name: "azure-token-helper", Args: args, Lookup: func(string) (string, bool) { return "", false }, Now: time.Now,
			}, &code)
			return root
		},
		ExitStatus: `# EXIT STATUS
0
: A token was printed, or the verb did what it says.

1
: There was no token; standard error has the code and what to type next.

2
: A flag, variable or file is unusable, and nothing was attempted.

**exec** ends as its program does; 125, 126 and 127: azure-token-helper-exec(1).
`,
		Environment: []reference.Variable{
			{Name: "KUBERNETES_EXEC_INFO", Does: "The version of ExecCredential that **get-token -o exec** prints; kubectl sets it."},
			{Name: "GOOGLE_APPLICATION_CREDENTIALS", Does: "The credentials file that **--google-source auto** takes first."},
			{Name: "HTTPS_PROXY", Does: "The proxy, with **NO_PROXY**; the metadata server is never asked through it."},
			{Name: "SSL_CERT_FILE", Does: "A file of certificates to trust in place of the system's, with **SSL_CERT_DIR** (Linux, FreeBSD)."},
		},
	})
}
