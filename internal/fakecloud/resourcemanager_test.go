package fakecloud

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestResourceManagerTellsTheRightBearerItsTenant(t *testing.T) {
	s, _ := sandbox(t)
	app := Application{TenantID: SandboxTenant, ClientID: SandboxApp, ObjectID: SandboxAppOID}
	mint := func(resource string, claims map[string]any) string {
		token, err := s.Entra.mint(app, resource, bySecret, claims)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	const management = "https://management.azure.com"
	forged, err := s.Cluster.key.sign(map[string]any{"iss": IssuerV1(SandboxTenant), "tid": SandboxTenant, "aud": management, "exp": time.Now().Add(time.Hour).Unix()})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ path, token, code string }{
		"tenants":                 {"/tenants?api-version=2022-12-01", mint(management, nil), ""},
		"subscriptions":           {"/subscriptions?api-version=2022-12-01", mint(management, nil), ""},
		"with a slash":            {"/tenants?api-version=2022-12-01", mint(management+"/", nil), ""},
		"the older name":          {"/tenants?api-version=2022-12-01", mint("https://management.core.windows.net", nil), ""},
		"the older, with a slash": {"/tenants?api-version=2022-12-01", mint("https://management.core.windows.net/", nil), ""},
		"another audience":        {"/tenants?api-version=2022-12-01", mint("https://storage.azure.com", nil), "InvalidAuthenticationTokenAudience"},
		"another issuer":          {"/tenants?api-version=2022-12-01", mint(management, map[string]any{"iss": IssuerV1(SandboxOtherTenant)}), "InvalidAuthenticationTokenTenant"},
		"expired":                 {"/tenants?api-version=2022-12-01", mint(management, map[string]any{"exp": time.Now().Add(-time.Minute).Unix()}), "ExpiredAuthenticationToken"},
		"forged":                  {"/tenants?api-version=2022-12-01", forged, "InvalidAuthenticationToken"},
		"not a JWT":               {"/tenants?api-version=2022-12-01", "ya29.access-token", "InvalidAuthenticationToken"},
		"no token":                {"/tenants?api-version=2022-12-01", "", "AuthenticationFailed"},
		"no version":              {"/tenants", mint(management, nil), "InvalidResourceType"},
		"another page":            {"/providers?api-version=2022-12-01", mint(management, nil), "InvalidResourceType"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.ResourceManager.URL+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.token != "" {
			r.Header.Set("Authorization", "Bearer "+c.token)
		}
		resp, err := s.CA.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		var body struct {
			Value []struct{ ID, TenantID string }
			Error struct{ Code, Message string }
		}
		err = json.NewDecoder(resp.Body).Decode(&body)
		_ = resp.Body.Close()
		if err != nil || body.Error.Code != c.code {
			t.Errorf("%s: %s %+v %v", name, resp.Status, body, err)
			continue
		}
		challenge := resp.Header.Get("WWW-Authenticate")
		switch {
		case resp.StatusCode == http.StatusUnauthorized && (!strings.HasPrefix(challenge, `Bearer authorization_uri="https://login.`) || body.Error.Message == ""):
			t.Errorf("%s: %q %+v", name, challenge, body)
		case c.code == "" && (resp.StatusCode != http.StatusOK || challenge != ""):
			t.Errorf("%s: %s %q", name, resp.Status, challenge)
		case c.code == "" && strings.HasPrefix(c.path, "/tenants") && (len(body.Value) != 1 || body.Value[0].ID != "/tenants/"+SandboxTenant || body.Value[0].TenantID != SandboxTenant):
			t.Errorf("%s: %+v", name, body)
		case strings.Contains(body.Error.Message, "eyJ"):
			t.Errorf("%s: the token is told", name)
		}
	}
}

// A client learns from any answer how far its own clock is off.
func TestEveryPublicEndpointTellsTheCloudsTime(t *testing.T) {
	cloud := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
	s, err := StartSandbox(func() time.Time { return cloud })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	for name, address := range map[string]string{
		"Entra": s.Entra.URL + "/" + SandboxTenant + "/v2.0/.well-known/openid-configuration", "Entra, refusing": s.Entra.URL + "/nobody/v2.0/.well-known/openid-configuration",
		"Resource Manager": s.ResourceManager.URL + "/tenants", "STS": s.Google.STS.URL + "/v1/token", "IAM": s.Google.IAM.URL + "/v1/projects", "Token": s.Google.Token.URL + "/token",
	} {
		resp, err := s.CA.Client().Get(address)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if got := resp.Header.Values("Date"); len(got) != 1 || got[0] != "Mon, 03 Feb 2031 04:05:06 GMT" {
			t.Errorf("%s: %q", name, got)
		}
	}
}
