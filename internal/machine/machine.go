// Package machine tells one computer, container or start of it from another, without asking the network. Identities
// that belong to the machine (managed identities, the metadata server's accounts) put it into their cache key, so
// that two virtual machines or pods that share a home directory never read each other's tokens.
package machine

import (
	"os"
	"runtime"
	"strings"

	"github.com/idferry/idferry/internal/token"
)

// Inputs returns what is known of this machine. A Linux boot id changes at every start, which is when a cloud may
// have given the machine another identity; pods on one node differ by host name. lookup reads the environment.
func Inputs(lookup func(string) (string, bool)) []token.Input {
	host, _ := os.Hostname()
	inputs := []token.Input{{Name: "host", Value: host}}
	if runtime.GOOS == "linux" {
		for _, f := range []struct{ name, path string }{
			{"machine-id", "/etc/machine-id"},
			{"boot-id", "/proc/sys/kernel/random/boot_id"},
		} {
			if data, err := os.ReadFile(f.path); err == nil {
				inputs = append(inputs, token.Input{Name: f.name, Value: strings.TrimSpace(string(data))})
			}
		}
	}
	// What serverless platforms set for each service, revision or site that may have an identity of its own.
	for _, name := range []string{"K_SERVICE", "K_REVISION", "FUNCTION_TARGET", "CLOUD_RUN_JOB", "WEBSITE_SITE_NAME", "WEBSITE_DEPLOYMENT_ID", "CONTAINER_APP_NAME", "CONTAINER_APP_REVISION"} {
		if v, ok := lookup(name); ok && v != "" {
			inputs = append(inputs, token.Input{Name: name, Value: v})
		}
	}
	return inputs
}
