package kubeconfig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What client-go decides for the same files is held in conformance.
func TestPluginAdviceSaysWhatKubectlWillDo(t *testing.T) {
	const head = "apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\n"
	dir := t.TempDir()
	command := filepath.Join(dir, "azure-token-helper")
	if err := os.WriteFile(command, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	refused := "kubectl 1.35 and later will not run " + command + ": "
	for name, c := range map[string]struct{ kuberc, want string }{
		"no policy":            {head, "restricts no plugin"},
		"everything":           {head + "credentialPluginPolicy: AllowAll\n", "restricts no plugin"},
		"nothing":              {head + "credentialPluginPolicy: DenyAll\n", refused + "credentialPluginPolicy in"},
		"a list without it":    {head + "credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist:\n- command: aws\n", "--allowlist-entry command=aws --allowlist-entry command=" + command},
		"a list with it":       {head + "credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist:\n- command: aws\n- command: " + command + "\n", "allows " + command},
		"by name on PATH":      {head + "credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist:\n- command: azure-token-helper\n", "allows " + command},
		"as kubectl 1.35 says": {head + "credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist:\n- name: " + command + "\n", "allows " + command},
		"an empty list":        {head + "credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist: []\n", refused},
		"no list":              {head + "credentialPluginPolicy: Allowlist\n", refused},
		"a list, no policy":    {head + "credentialPluginAllowlist:\n- command: " + command + "\n", refused + dir},
		"another entry broken": {head + "credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist:\n- command: " + command + "\n- command: /a//b\n", `the entry "/a//b"`},
		"an unknown policy":    {head + "credentialPluginPolicy: Some\n", `is "Some", which kubectl does not know`},
		"v1alpha1 has none":    {"apiVersion: kubectl.config.k8s.io/v1alpha1\nkind: Preference\ncredentialPluginPolicy: DenyAll\n", "restricts no plugin"},
		"second document":      {"a: b\n---\n" + head + "credentialPluginPolicy: DenyAll\n", refused},
		"something else":       {"a: b\n", "no plugin is restricted"},
		"broken":               {"a: [\n", "no plugin is restricted"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, "kuberc")
			if err := os.WriteFile(path, []byte(c.kuberc), 0o600); err != nil {
				t.Fatal(err)
			}
			got := PluginAdvice(command, func(name string) (string, bool) { return path, name == "KUBERC" })
			if !strings.Contains(got, c.want) || strings.Contains(got, "will not run") != strings.HasPrefix(got, refused) {
				t.Error(got)
			}
		})
	}
	for _, c := range []struct{ name, value, want string }{
		{"KUBERC", "off", "switched off"}, {"KUBECTL_KUBERC", "false", "switched off"},
		{"HOME", dir, "there is no " + filepath.Join(dir, ".kube", "kuberc")}, {"KUBERC", dir, "it is not known"},
	} {
		got := PluginAdvice(command, func(name string) (string, bool) {
			if name == c.name {
				return c.value, true
			}
			return "", false
		})
		if !strings.Contains(got, c.want) {
			t.Errorf("%s=%s: %s", c.name, c.value, got)
		}
	}
}
