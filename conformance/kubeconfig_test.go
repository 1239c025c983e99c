package conformance

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/idferry/idferry/internal/fakecloud"
)

// installed is the command that the samples are rewritten to. It need not exist to be read.
const installed = "/usr/local/bin/azure-token-helper"

// rewrite runs the verb on a file and returns what it said, and whether it exited with 0.
func rewrite(t *testing.T, path string, args ...string) (string, bool) {
	t.Helper()
	cmd := exec.CommandContext(context.Background(), binary("azure-token-helper"), append([]string{"kubeconfig", "--kubeconfig", path}, args...)...)
	cmd.Env = append(os.Environ(), "AZURE_CLIENT_ID="+fakecloud.SandboxApp, "AZURE_TENANT_ID="+fakecloud.SandboxTenant)
	out, err := cmd.CombinedOutput()
	if strings.Contains(string(out), "goroutine ") {
		t.Fatalf("%s", out)
	}
	return string(out), err == nil
}

// sampleFlags are the flags that some samples need.
func sampleFlags(t *testing.T, dir string) map[string][]string {
	t.Helper()
	list, err := os.ReadFile(filepath.Join(dir, "flags.txt"))
	if err != nil {
		t.Fatal(err)
	}
	flags := map[string][]string{}
	for line := range strings.Lines(string(list)) {
		if words := strings.Fields(line); len(words) > 0 && words[0] != "#" {
			flags[words[0]] = words[1:]
		}
	}
	return flags
}

// client-go reads every rewritten sample, and finds in it what it found before but for the rewritten users.
func TestClientGoReadsRewrittenKubeconfigs(t *testing.T) {
	dir := filepath.Join("..", "testdata", "kubeconfig")
	samples, err := filepath.Glob(filepath.Join(dir, "*.*"))
	if err != nil {
		t.Fatal(err)
	}
	flags := sampleFlags(t, dir)
	rewritten := 0
	for _, sample := range samples {
		name := filepath.Base(sample)
		if ext := filepath.Ext(name); ext != ".yaml" && ext != ".json" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			original, err := os.ReadFile(sample)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "config")
			if err := os.WriteFile(path, original, 0o600); err != nil {
				t.Fatal(err)
			}
			before, unreadable := clientcmd.Load(original)
			args := flags[name]
			if !slices.Contains(args, "--command") {
				args = append(args, "--command", installed)
			}
			said, ok := rewrite(t, path, args...)
			changed, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if string(changed) == string(original) {
				if !ok && !strings.Contains(said, "azure-token-helper: ") {
					t.Errorf("refused without a reason: %s", said)
				}
				return
			}
			rewritten++
			if !ok || unreadable != nil {
				t.Fatalf("rewritten, although %v: %s", unreadable, said)
			}
			after, err := clientcmd.Load(changed)
			if err != nil {
				t.Fatalf("%v\n%s", err, changed)
			}
			compare(t, before, after)
			if said, ok := rewrite(t, path, args...); !ok || !strings.Contains(said, "nothing to do") {
				t.Errorf("the second time: %s", said)
			}
		})
	}
	if rewritten < 30 {
		t.Errorf("%d samples were rewritten", rewritten)
	}
}

func compare(t *testing.T, before, after *api.Config) {
	t.Helper()
	for name, user := range after.AuthInfos {
		was := before.AuthInfos[name]
		if was == nil {
			t.Fatalf("user %s came from nowhere", name)
		}
		if reflect.DeepEqual(user, was) {
			continue
		}
		if user.Exec == nil || user.Exec.Command != installed && !strings.HasPrefix(user.Exec.Command, `C:\`) || user.Exec.InteractiveMode != api.NeverExecInteractiveMode {
			t.Errorf("user %s is %+v", name, user.Exec)
		}
		if err := clientcmd.Validate(api.Config{AuthInfos: map[string]*api.AuthInfo{name: user}, Clusters: map[string]*api.Cluster{"c": {Server: "https://c"}}}); err != nil && !clientcmd.IsContextNotFound(err) {
			t.Errorf("user %s: %v", name, err)
		}
		for _, u := range []*api.AuthInfo{user, was} {
			u.Exec, u.AuthProvider = nil, nil
			u.ClientCertificate, u.ClientCertificateData, u.ClientKey, u.ClientKeyData = "", nil, "", nil
			u.Token, u.TokenFile, u.Username, u.Password = "", "", "", ""
		}
	}
	if !reflect.DeepEqual(before, after) {
		a, _ := json.Marshal(before)
		b, _ := json.Marshal(after)
		t.Errorf("before %s\nafter  %s", a, b)
	}
}

// kubeloginConfig is what a person has after az aks get-credentials and kubelogin convert-kubeconfig.
func kubeloginConfig(t *testing.T, clouds *fakecloud.Sandbox) string {
	t.Helper()
	config := kubeconfig(clouds, "client.authentication.k8s.io/v1beta1", "--login", "azurecli", "--server-id", fakecloud.AKSServer)
	config.AuthInfos["me"].Exec.Command = "kubelogin"
	path := filepath.Join(t.TempDir(), "config")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRewrittenKubeconfigAuthenticates(t *testing.T) {
	clouds := googleMachine(t)
	path := kubeloginConfig(t, clouds)
	if said, ok := rewrite(t, path); !ok {
		t.Fatal(said)
	}
	// The file says everything: nothing is left to the environment.
	t.Setenv("AZURE_CLIENT_ID", "")
	t.Setenv("AZURE_TENANT_ID", "")
	config, err := clientcmd.BuildConfigFromFlags("", path)
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
	if resp.StatusCode != http.StatusOK {
		t.Error(resp.Status)
	}
	kubectl, err := exec.LookPath("kubectl")
	if err != nil {
		t.Skip("kubectl is not installed")
	}
	cmd := exec.CommandContext(context.Background(), kubectl, "--kubeconfig", path, "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}")
	out, err := cmd.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != fakecloud.SandboxAppOID {
		t.Errorf("%v: %s", err, out)
	}
}

// What the verb says of kuberc is what client-go does.
func TestPluginAdviceHoldsInClientGo(t *testing.T) {
	clouds := googleMachine(t)
	path := kubeloginConfig(t, clouds)
	if said, ok := rewrite(t, path); !ok {
		t.Fatal(said)
	}
	command := binary("azure-token-helper")
	for name, policy := range map[string]api.PluginPolicy{
		"AllowAll":   {PolicyType: api.PluginPolicyAllowAll},
		"DenyAll":    {PolicyType: api.PluginPolicyDenyAll},
		"path":       {PolicyType: api.PluginPolicyAllowlist, Allowlist: []api.AllowlistEntry{{Command: "aws"}, {Command: command}}},
		"name":       {PolicyType: api.PluginPolicyAllowlist, Allowlist: []api.AllowlistEntry{{Command: "azure-token-helper"}}},
		"other name": {PolicyType: api.PluginPolicyAllowlist, Allowlist: []api.AllowlistEntry{{Command: "az"}}},
		"other":      {PolicyType: api.PluginPolicyAllowlist, Allowlist: []api.AllowlistEntry{{Command: "aws"}}},
		"unclean":    {PolicyType: api.PluginPolicyAllowlist, Allowlist: []api.AllowlistEntry{{Command: command}, {Command: "/a//b"}}},
		"no list":    {PolicyType: api.PluginPolicyAllowlist},
		"no policy":  {Allowlist: []api.AllowlistEntry{{Command: command}}},
		"unknown":    {PolicyType: "Some"},
	} {
		t.Run(name, func(t *testing.T) {
			kuberc := filepath.Join(t.TempDir(), "kuberc")
			document := map[string]any{"apiVersion": "kubectl.config.k8s.io/v1beta1", "kind": "Preference", "credentialPluginPolicy": policy.PolicyType}
			if policy.Allowlist != nil {
				var entries []map[string]string
				for _, e := range policy.Allowlist {
					entries = append(entries, map[string]string{"command": e.Command})
				}
				document["credentialPluginAllowlist"] = entries
			}
			data, _ := json.Marshal(document)
			if err := os.WriteFile(kuberc, data, 0o600); err != nil {
				t.Fatal(err)
			}
			t.Setenv("KUBERC", kuberc)
			said, ok := rewrite(t, path)
			if !ok {
				t.Fatal(said)
			}
			config, err := clientcmd.BuildConfigFromFlags("", path)
			if err != nil {
				t.Fatal(err)
			}
			config.ExecProvider.PluginPolicy = policy
			allowed := false
			if client, err := rest.HTTPClientFor(config); err == nil {
				if resp, err := client.Get(clouds.Kubernetes.URL + "/version"); err == nil {
					_ = resp.Body.Close()
					allowed = resp.StatusCode == http.StatusOK
				}
			}
			if allowed == strings.Contains(said, "will not run") {
				t.Errorf("client-go allows it: %v, and the verb says: %s", allowed, said)
			}
		})
	}
}
