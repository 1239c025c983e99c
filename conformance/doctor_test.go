package conformance

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/idferry/idferry/internal/fakecloud"
)

// doctor runs the verb for a user of a kubeconfig and returns what it printed and its exit code.
func doctor(t *testing.T, path string, args ...string) (string, int) {
	t.Helper()
	cmd := exec.Command(binary("azure-token-helper"), append([]string{"doctor", "--kubeconfig", path}, args...)...)
	out, err := cmd.Output()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Fatal(err)
	}
	if strings.Contains(string(out), "eyJ") {
		t.Error("a token is shown")
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// doctor ends with what kubectl itself is told by the API server, through the user's own kubeconfig.
func TestDoctorAsksKubectlForAClusterUser(t *testing.T) {
	if _, err := exec.LookPath("kubectl"); err != nil {
		t.Skip("kubectl is not installed")
	}
	clouds := googleMachine(t)
	write := func(serverID string) string {
		path := filepath.Join(t.TempDir(), "config")
		config := kubeconfig(clouds, "client.authentication.k8s.io/v1", "--server-id", serverID, "--client-id", fakecloud.SandboxApp, "--tenant-id", fakecloud.SandboxTenant)
		config.CurrentContext = ""
		if err := clientcmd.WriteToFile(*config, path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	// The kubeconfig says everything.
	t.Setenv("AZURE_CLIENT_ID", "")
	t.Setenv("AZURE_TENANT_ID", "")
	for name, c := range map[string]struct {
		path string
		args []string
		code int
		want []string
	}{
		"well":              {write(fakecloud.AKSServer), []string{"--context", "aks"}, 0, []string{"✓ kubectl", "username  " + fakecloud.SandboxAppOID, "all well"}},
		"another audience":  {write("https://storage.azure.com"), []string{"--context", "aks"}, 1, []string{"✓ exchange at Entra ID", "✗ kubectl", "the API server does not take the token", "to mend: kubectl"}},
		"a flag wins":       {write(fakecloud.AKSServer), []string{"--context", "aks", "--client-id", "99999999-9999-9999-9999-999999999999"}, 1, []string{"AADSTS700016", "– kubectl"}},
		"no such context":   {write(fakecloud.AKSServer), []string{"--context", "other"}, 2, nil},
		"no context at all": {write(fakecloud.AKSServer), nil, 2, nil},
	} {
		out, code := doctor(t, c.path, c.args...)
		if code != c.code {
			t.Errorf("%s: exit code %d:\n%s", name, code, out)
		}
		for _, want := range c.want {
			if !strings.Contains(out, want) {
				t.Errorf("%s: %q is not in\n%s", name, want, out)
			}
		}
	}
}
