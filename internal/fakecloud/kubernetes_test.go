package fakecloud

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// get asks a server of s with a bearer token and returns the answer's status and its text.
func get(t *testing.T, s *Sandbox, address, bearer, accept string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+bearer)
	r.Header.Set("Accept", accept)
	resp, err := s.CA.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestGKETakesTheAccessTokensOfServiceAccounts(t *testing.T) {
	s, _ := sandbox(t)
	gke, err := StartGKE(s.CA, s.Google)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(gke.Close)
	account := "serviceAccount:" + SandboxAccount
	for name, c := range map[string]struct {
		token string
		want  int
	}{
		"of an account":         {s.Google.AccessToken(account, time.Hour, cloudPlatformScope), http.StatusOK},
		"without its address":   {s.Google.AccessToken(account, time.Hour, bigQueryScope), http.StatusUnauthorized},
		"expired":               {s.Google.AccessToken(account, -time.Second, cloudPlatformScope), http.StatusUnauthorized},
		"of somebody else's":    {s.Google.AccessToken("principal://iam.googleapis.com/x", time.Hour, cloudPlatformScope), http.StatusUnauthorized},
		"that nobody has given": {"ya29.c.made-up", http.StatusUnauthorized},
	} {
		if status, body := get(t, s, gke.URL+"/version", c.token, "*/*"); status != c.want {
			t.Errorf("a token %s: %d %s", name, status, body)
		}
	}
}

// kubectl asks for a table and prints it; every other client wants the objects.
func TestPodsAreATableForThoseWhoAskForOne(t *testing.T) {
	s, _ := sandbox(t)
	token, err := s.Entra.mint(Application{TenantID: SandboxTenant, ClientID: SandboxApp, ObjectID: SandboxAppOID}, AKSServer, byCertificate)
	if err != nil {
		t.Fatal(err)
	}
	pods := s.Kubernetes.URL + "/api/v1/namespaces/default/pods"
	for accept, kind := range map[string]string{"application/json;as=Table;v=v1;g=meta.k8s.io,application/json": `"kind":"Table"`, "application/json": `"kind":"PodList"`} {
		if status, body := get(t, s, pods, token, accept); status != http.StatusOK || !strings.Contains(body, kind) || !strings.Contains(body, `"app-0"`) {
			t.Errorf("%s: %d %s", accept, status, body)
		}
	}
	if status, body := get(t, s, pods, "made-up", "application/json"); status != http.StatusUnauthorized {
		t.Errorf("to anybody: %d %s", status, body)
	}
}

func TestAProviderOfOnesOwnGivesAPersonATokenForACluster(t *testing.T) {
	s, _ := sandbox(t)
	provider, err := StartOpenID(s.CA, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(provider.Close)
	cluster, err := StartKubernetes(s.CA, provider.JWKSURL(), provider.URL, OpenIDClient, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	form := url.Values{"grant_type": {"password"}, "client_id": {OpenIDClient}, "username": {OpenIDUser}, "password": {OpenIDPassword}}
	for _, c := range []struct{ name, value, refused string }{
		{"client_id", "another", "invalid_client"}, {"grant_type", "authorization_code", "unsupported_grant_type"},
		{"username", "another", "invalid_grant"}, {"password", "wrong", "invalid_grant"}, {"scope", "openid", ""},
	} {
		asked := url.Values{}
		for name, values := range form {
			asked[name] = values
		}
		asked.Set(c.name, c.value)
		resp, err := s.CA.Client().PostForm(provider.URL+"/token", asked)
		if err != nil {
			t.Fatal(err)
		}
		var answer struct {
			Error   string
			IDToken string `json:"id_token"`
		}
		err = json.NewDecoder(resp.Body).Decode(&answer)
		_ = resp.Body.Close()
		if err != nil || answer.Error != c.refused {
			t.Errorf("with %s=%s: %q %v", c.name, c.value, answer.Error, err)
		}
		if c.refused != "" {
			continue
		}
		if status, body := get(t, s, cluster.URL+"/version", answer.IDToken, "*/*"); status != http.StatusOK {
			t.Errorf("the cluster: %d %s", status, body)
		}
	}
}
