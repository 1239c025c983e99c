package fakecloud

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func withSecret() url.Values {
	return url.Values{"grant_type": {"client_credentials"}, "client_id": {SandboxApp}, "client_secret": {SandboxSecret}, "scope": {"https://storage.azure.com/.default"}}
}

func withAssertion(assertion string) url.Values {
	return url.Values{
		"grant_type": {"client_credentials"}, "client_id": {SandboxApp}, "scope": {"https://storage.azure.com/.default"},
		"client_assertion": {assertion}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	}
}

// refusedWith checks the AADSTS code of a token request's answer; 0 stands for a token.
func refusedWith(t *testing.T, s *Sandbox, form url.Values, code int) {
	t.Helper()
	status, answer := post(t, s, SandboxTenant, form)
	codes, _ := answer["error_codes"].([]any)
	switch {
	case code == 0 && (status != http.StatusOK || answer["access_token"] == nil):
		t.Errorf("refused: %d %v", status, answer["error_description"])
	case code != 0 && (status < 400 || len(codes) != 1 || codes[0] != float64(code)):
		t.Errorf("%d %v, want AADSTS%d", status, answer["error_description"], code)
	}
}

// request asks Entra under a host's name and returns the document that it answers.
func (s *Sandbox) request(t *testing.T, method, host, path string, form url.Values) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.Entra.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if host != "" {
		r.Host = host
	}
	resp, err := s.CA.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer := map[string]any{}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, answer
}

func TestATenantOfAnotherCloudIsNamedAndNotServed(t *testing.T) {
	s, _ := sandbox(t)
	refusedWith(t, s, withSecret(), 0)
	s.Entra.MoveTenant(SandboxTenant, "MicrosoftOnline.US")
	refusedWith(t, s, withSecret(), 900382)
	_, answer := s.request(t, http.MethodPost, "", "/"+SandboxTenant+"/oauth2/v2.0/devicecode", url.Values{"client_id": {SandboxApp}})
	if description, _ := answer["error_description"].(string); !strings.HasPrefix(description, "AADSTS90038: Tenant '"+SandboxTenant+"' request is being redirected to the National Cloud 'MicrosoftOnline.US'. ") {
		t.Errorf("a person: %v", answer)
	}
	if _, answer := s.request(t, http.MethodGet, "", "/"+SandboxTenant+"/v2.0/.well-known/openid-configuration", nil); answer["cloud_instance_name"] != "microsoftonline.us" {
		t.Errorf("discovery: %v", answer)
	}
}

func TestARegionServesNoFederatedCredentials(t *testing.T) {
	s, _ := sandbox(t)
	for host, want := range map[string]int{"westeurope.login.microsoft.com": 100007, "login.microsoft.com": 0, PublicAuthority: 0} {
		_, answer := s.request(t, http.MethodPost, host, "/"+SandboxTenant+"/oauth2/v2.0/token", withSecret())
		codes, _ := answer["error_codes"].([]any)
		if want == 0 && answer["access_token"] == nil || want != 0 && (len(codes) != 1 || codes[0] != float64(want)) {
			t.Errorf("%s: %v", host, answer)
		}
	}
}

func TestInstanceDiscoveryKnowsTheAuthoritiesOnly(t *testing.T) {
	s, _ := sandbox(t)
	for host, known := range map[string]bool{PublicAuthority: true, "login.microsoftonline.us": true, strings.TrimPrefix(s.Entra.URL, "https://"): true, "idp.example.com": false, "": false} {
		endpoint := url.QueryEscape("https://" + host + "/" + SandboxTenant + "/oauth2/v2.0/authorize")
		status, answer := s.request(t, http.MethodGet, "", "/common/discovery/instance?api-version=1.1&authorization_endpoint="+endpoint, nil)
		if known && answer["tenant_discovery_endpoint"] != "https://"+host+"/"+SandboxTenant+"/v2.0/.well-known/openid-configuration" {
			t.Errorf("%s: %v", host, answer)
		}
		if description, _ := answer["error_description"].(string); !known && (status != http.StatusBadRequest || answer["error"] != "invalid_instance" || !strings.HasPrefix(description, "AADSTS50049: ")) {
			t.Errorf("%s: %d %v", host, status, answer)
		}
	}
}

// The names are those of MSAL.NET's KnownMetadataProvider.cs, which stands for the answer where there is none.
func TestInstanceDiscoveryTellsTheOtherNamesOfAnAuthority(t *testing.T) {
	s, _ := sandbox(t)
	endpoint := url.QueryEscape("https://" + PublicAuthority + "/common/oauth2/v2.0/authorize")
	_, answer := s.request(t, http.MethodGet, "", "/common/discovery/instance?api-version=1.1&authorization_endpoint="+endpoint, nil)
	metadata, _ := answer["metadata"].([]any)
	if len(metadata) == 0 {
		t.Fatal(answer)
	}
	public, _ := metadata[0].(map[string]any)
	aliases, _ := public["aliases"].([]any)
	if public["preferred_network"] != PublicAuthority || public["preferred_cache"] != "login.windows.net" || !slices.Contains(aliases, any("sts.windows.net")) {
		t.Error(public)
	}
}

func TestANewFederatedCredentialIsRefusedUntilItHasPropagated(t *testing.T) {
	var ahead atomic.Int64
	s, err := StartSandbox(func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	s.Entra.Change(SandboxTenant, SandboxApp, func(a *Application) {
		for i := range a.Federated {
			a.Federated[i].Propagates = time.Now().Add(2 * time.Minute)
		}
	})
	presented := func(audience string) url.Values {
		assertion, err := s.Google.IDToken(SandboxAccount, audience)
		if err != nil {
			t.Fatal(err)
		}
		return withAssertion(assertion)
	}
	refusedWith(t, s, presented(AssertionAudience), 70021)
	refusedWith(t, s, presented("api://another"), 700211)
	ahead.Store(int64(2 * time.Minute))
	refusedWith(t, s, presented(AssertionAudience), 0)
}

func TestAWithdrawnKeyIsToldFromAForgedSignature(t *testing.T) {
	s, _ := sandbox(t)
	token, err := s.ProjectedToken(time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	refusedWith(t, s, withAssertion(token), 0)
	if err := s.Cluster.Rotate(); err != nil {
		t.Fatal(err)
	}
	refusedWith(t, s, withAssertion(token), 7000272)
	if token, err = s.ProjectedToken(time.Hour); err != nil {
		t.Fatal(err)
	}
	refusedWith(t, s, withAssertion(token), 0)
}
