package conformance

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/idferry/idferry/internal/fakecloud"
)

// kubeconfig is what a user has: an AKS cluster and a user with the exec plugin.
func kubeconfig(clouds *fakecloud.Sandbox, version string, args ...string) *api.Config {
	config := api.NewConfig()
	config.Clusters["aks"] = &api.Cluster{Server: clouds.Kubernetes.URL, CertificateAuthorityData: clouds.CA.PEM}
	config.AuthInfos["me"] = &api.AuthInfo{Exec: &api.ExecConfig{
		APIVersion: version, Command: "azure-token-helper", Args: append([]string{"get-token"}, args...), InteractiveMode: api.NeverExecInteractiveMode,
	}}
	config.Contexts["aks"] = &api.Context{Cluster: "aks", AuthInfo: "me"}
	config.CurrentContext = "aks"
	return config
}

func TestClientGoAuthenticates(t *testing.T) {
	for _, version := range []string{"client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"} {
		t.Run(filepath.Base(version), func(t *testing.T) {
			clouds := googleMachine(t)
			config, err := clientcmd.NewDefaultClientConfig(*kubeconfig(clouds, version, "--server-id", fakecloud.AKSServer), nil).ClientConfig()
			if err != nil {
				t.Fatal(err)
			}
			client, err := rest.HTTPClientFor(config)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				resp, err := client.Get(clouds.Kubernetes.URL + "/version")
				if err != nil {
					t.Fatal(err)
				}
				body, _ := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					t.Errorf("%d %s", resp.StatusCode, body)
				}
			}
			if asked := len(clouds.Google.Metadata.Requests()); asked != 1 {
				t.Errorf("%d exchanges", asked)
			}
		})
	}
}

// A token for something else is no key to the API server: the check above can fail.
func TestAPIServerRefusesAnotherAudience(t *testing.T) {
	clouds := googleMachine(t)
	config, err := clientcmd.NewDefaultClientConfig(*kubeconfig(clouds, "client.authentication.k8s.io/v1", "--server-id", "https://storage.azure.com"), nil).ClientConfig()
	if err != nil {
		t.Fatal(err)
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Get(clouds.Kubernetes.URL + "/version")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Error(resp.Status)
	}
}

func TestKubectlAuthenticates(t *testing.T) {
	kubectl, err := exec.LookPath("kubectl")
	if err != nil {
		t.Skip("kubectl is not installed")
	}
	clouds := googleMachine(t)
	path := filepath.Join(t.TempDir(), "config")
	if err := clientcmd.WriteToFile(*kubeconfig(clouds, "client.authentication.k8s.io/v1", "--server-id", fakecloud.AKSServer), path); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(kubectl, "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}")
	cmd.Env = append(os.Environ(), "KUBECONFIG="+path)
	out, err := cmd.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != fakecloud.SandboxAppOID {
		t.Errorf("%v: %s", err, out)
	}
	// What a user reads when nothing matches.
	t.Setenv("IDFERRY_ASSERTION_AUDIENCE", "api://Other")
	broken := exec.Command(kubectl, "auth", "whoami")
	broken.Env = append(os.Environ(), "KUBECONFIG="+path)
	out, err = broken.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "AADSTS700212") {
		t.Errorf("%v: %s", err, out)
	}
}
