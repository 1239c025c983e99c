package main

import (
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
)

// credential is what a plugin prints with a token of Entra ID for a resource.
func credential(t *testing.T, n *neighbours, resource string) string {
	t.Helper()
	resp, err := n.clouds.CA.Client().PostForm(n.clouds.Entra.URL+"/"+fakecloud.SandboxTenant+"/oauth2/v2.0/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {fakecloud.SandboxApp}, "client_secret": {fakecloud.SandboxSecret}, "scope": {resource + "/.default"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Token == "" {
		t.Fatalf("%s %v", resp.Status, err)
	}
	return `{"apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential", "status": {"token": "` + answer.Token + `"}}`
}

func TestKubectlIsTimedWithAPluginAndWithItsToken(t *testing.T) {
	kubectl, err := exec.LookPath("kubectl")
	if err != nil {
		t.Skip("kubectl is not installed")
	}
	n := somewhere(t)
	const away = 100 * time.Millisecond
	r, err := n.endToEnd(t.Context(), row{}, kubectl, plugin(t, n, credential(t, n, fakecloud.AKSServer)), away)
	if err != nil {
		t.Fatal(err)
	}
	// To be connected, to be greeted and to be answered takes three.
	if len(r.Medians) != 1 || r.Ratio <= 0 || r.Bytes == 0 || time.Duration(r.Millis)*time.Millisecond < 3*away {
		t.Errorf("%+v", r)
	}
	configs, err := filepath.Glob(n.in("kubeconfig*", "config"))
	if err != nil || len(configs) != 2 {
		t.Fatal(configs, err)
	}
	for _, path := range configs {
		if config, err := os.ReadFile(path); err != nil || strings.Contains(string(config), n.clouds.Kubernetes.URL) {
			t.Errorf("kubectl goes to the server straight away: %s %v", config, err)
		}
	}
	var asked []string
	for _, one := range n.clouds.Kubernetes.Requests() {
		asked = append(asked, one.Path)
	}
	slices.Reverse(asked)
	learned := slices.IndexFunc(asked, func(path string) bool { return !strings.HasSuffix(path, "/pods") })
	if learned <= 2 {
		t.Errorf("what kubectl knows of the server was not cached before the two timed runs: %q, from the last on", asked)
	}
	// A token that the server does not take is no measurement.
	if _, err := n.endToEnd(t.Context(), row{}, kubectl, plugin(t, n, credential(t, n, "https://storage.azure.com")), 0); err == nil {
		t.Error("the server took a token for something else")
	}
}

func TestTheStaticTokenIsThePlugins(t *testing.T) {
	if got, err := tokenIn(`{"kind": "ExecCredential", "status": {"expirationTimestamp": "2026-11-28T15:00:00Z", "token": "a.b.c"}}`); err != nil || got != "a.b.c" {
		t.Error(got, err)
	}
	for _, text := range []string{"", "a.b.c", `{"status": {}}`} {
		if got, err := tokenIn(text); err == nil {
			t.Errorf("%q has the token %q", text, got)
		}
	}
}

func TestKubectlIsNotTimedWhereTheTwoPrintDifferentThings(t *testing.T) {
	n := somewhere(t)
	same, err := plugin(t, n, "pods").ready(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	other, err := plugin(t, n, "no pods").ready(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := alike(t.Context(), same, same); err != nil || got != "pods" {
		t.Error(got, err)
	}
	if got, err := alike(t.Context(), same, other); err == nil {
		t.Error(got)
	}
}
