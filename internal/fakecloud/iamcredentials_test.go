package fakecloud

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2/google"
)

func (g googleTest) iam(method, email string) string {
	return g.IAM.URL + "/v1/projects/-/serviceAccounts/" + email + ":" + method
}

func TestAFederatedIdentityActsAsAServiceAccountInGooglesOwnLibrary(t *testing.T) {
	g, e := trusting(t)
	g.Bind(federated, RoleWorkloadIdentityUser, target)
	config := g.external(t, signed(t, e.key, e.claims(g.clock.now())))
	config.ServiceAccountImpersonationURL = g.ImpersonationURL(target)
	config.ServiceAccountImpersonationLifetimeSeconds = 1800
	token, err := g.exchanged(t, config)
	if err != nil {
		t.Fatal(err)
	}
	got, ok := g.granted(token)
	if !ok || got.principal != "serviceAccount:"+target || !got.expires.Equal(g.clock.now().Add(30*time.Minute)) {
		t.Errorf("granted %+v, %v", got, ok)
	}
}

func TestAWholePoolMayBeBound(t *testing.T) {
	g, e := trusting(t)
	config := g.external(t, signed(t, e.key, e.claims(g.clock.now())))
	config.ServiceAccountImpersonationURL = g.ImpersonationURL(target)
	g.Bind("principalSet://iam.googleapis.com/projects/123456/locations/global/workloadIdentityPools/other/*", RoleWorkloadIdentityUser, target)
	_, err := g.exchanged(t, config)
	wantError(t, err, "PERMISSION_DENIED")
	g.Bind("principalSet://iam.googleapis.com/projects/123456/locations/global/workloadIdentityPools/azure/*", RoleWorkloadIdentityUser, target)
	if _, err := g.exchanged(t, config); err != nil {
		t.Error(err)
	}
}

func TestImpersonationRefusesAsTheRealOneDoes(t *testing.T) {
	for name, c := range map[string]struct {
		role     string
		email    string
		lifetime int
		texts    []string
	}{
		"without a binding": {"", target, 0, []string{"status code 403", `"status":"PERMISSION_DENIED"`,
			"Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist).", "IAM_PERMISSION_DENIED"}},
		"with a role for ID tokens alone": {RoleOpenIDTokenCreator, target, 0, []string{"status code 403"}},
		"of an account that is gone": {RoleWorkloadIdentityUser, "gone@acme.iam.gserviceaccount.com", 0,
			[]string{"status code 404", `"status":"NOT_FOUND"`}},
		"for more than an hour": {RoleWorkloadIdentityUser, target, 7200, []string{"status code 400", `"status":"INVALID_ARGUMENT"`,
			"can not have lifetimes of more than 1 hour", "constraints/iam.allowServiceAccountCredentialLifetimeExtension"}},
	} {
		t.Run(name, func(t *testing.T) {
			g, e := trusting(t)
			g.Bind(federated, c.role, target)
			config := g.external(t, signed(t, e.key, e.claims(g.clock.now())))
			config.ServiceAccountImpersonationURL = g.ImpersonationURL(c.email)
			config.ServiceAccountImpersonationLifetimeSeconds = c.lifetime
			_, err := g.exchanged(t, config)
			wantError(t, err, c.texts...)
		})
	}
}

func TestAnOrganisationMayAllowTwelveHours(t *testing.T) {
	g := startGoogle(t)
	g.AddServiceAccount(ServiceAccount{Email: target, UniqueID: "113370000000000000044", ProjectID: "acme", ExtendedLifetime: true})
	g.Bind("serviceAccount:"+robot, RoleTokenCreator, target)
	token := g.AccessToken("serviceAccount:"+robot, time.Hour, cloudPlatformScope)
	body := map[string]any{"scope": []string{cloudPlatformScope}, "lifetime": "43200s"}
	got := g.json(t, g.iam("generateAccessToken", target), token, body)
	if got.status != http.StatusOK || got.at(t, "expireTime") != "2026-11-23T21:00:00Z" {
		t.Errorf("got %d %s", got.status, got.body)
	}
	body["lifetime"] = "43201s"
	if got := g.json(t, g.iam("generateAccessToken", target), token, body); got.status != http.StatusBadRequest {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

func TestAnIDTokenOfAnotherAccountNeedsEveryLinkOfTheChain(t *testing.T) {
	g := startGoogle(t)
	token := g.AccessToken("user:person@acme.example", time.Hour, cloudPlatformScope)
	body := map[string]any{"audience": entraAud, "includeEmail": true, "delegates": []string{"projects/-/serviceAccounts/" + middleman}}
	ask := func() answer { return g.json(t, g.iam("generateIdToken", target), token, body) }

	if got := ask(); got.status != http.StatusForbidden || !strings.Contains(got.body, "iam.serviceAccounts.implicitDelegation") {
		t.Errorf("without the first link: %d %s", got.status, got.body)
	}
	g.Bind("user:person@acme.example", RoleTokenCreator, middleman)
	if got := ask(); got.status != http.StatusForbidden || !strings.Contains(got.body, "Permission 'iam.serviceAccounts.getOpenIdToken' denied") {
		t.Errorf("without the second link: %d %s", got.status, got.body)
	}
	g.Bind("serviceAccount:"+middleman, RoleOpenIDTokenCreator, target)
	got := ask()
	if got.status != http.StatusOK {
		t.Fatalf("with both links: %d %s", got.status, got.body)
	}
	claims, err := verify(g.ca.Client(), g.JWKSURL, got.at(t, "token"))
	if err != nil {
		t.Fatal(err)
	}
	if claims["aud"] != entraAud || claims["sub"] != "113370000000000000044" || claims["email"] != target {
		t.Errorf("claims = %v", claims)
	}
	g.Unbind("user:person@acme.example", middleman)
	if got := ask(); got.status != http.StatusForbidden {
		t.Errorf("after the first link was taken away: %d %s", got.status, got.body)
	}
}

func TestGooglesLibraryImpersonatesFromAPersonsCredentials(t *testing.T) {
	g := startGoogle(t)
	user, err := g.AddUser(GoogleUser{"person@acme.example", "1", "client", "word", "1//refresh"})
	if err != nil {
		t.Fatal(err)
	}
	g.Bind("user:person@acme.example", RoleTokenCreator, middleman)
	g.Bind("serviceAccount:"+middleman, RoleTokenCreator, target)
	file, err := json.Marshal(map[string]any{
		"type": "impersonated_service_account", "source_credentials": json.RawMessage(user),
		"service_account_impersonation_url": g.ImpersonationURL(target), "delegates": []string{"projects/-/serviceAccounts/" + middleman},
	})
	if err != nil {
		t.Fatal(err)
	}
	credentials, err := google.CredentialsFromJSONWithType(g.ctx, file, google.ImpersonatedServiceAccount, cloudPlatformScope)
	if err != nil {
		t.Fatal(err)
	}
	token, err := credentials.TokenSource.Token()
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := g.granted(token.AccessToken); !ok || got.principal != "serviceAccount:"+target {
		t.Errorf("granted %+v, %v", got, ok)
	}
}

func TestIAMCredentialsRefusesABodyItDoesNotDocument(t *testing.T) {
	g := startGoogle(t)
	g.Bind("serviceAccount:"+robot, RoleTokenCreator, target)
	token := g.AccessToken("serviceAccount:"+robot, time.Hour, cloudPlatformScope)
	scope := []string{cloudPlatformScope}
	for name, c := range map[string]struct {
		method string
		body   map[string]any
		text   string
	}{
		"no scope":                    {"generateAccessToken", map[string]any{}, "Request contains an invalid argument."},
		"no audience":                 {"generateIdToken", map[string]any{"includeEmail": true}, "Request contains an invalid argument."},
		"a field of the other method": {"generateAccessToken", map[string]any{"scope": scope, "audience": "x"}, `Unknown name \"audience\": Cannot find field.`},
		"a field of no method":        {"generateIdToken", map[string]any{"audience": "x", "include_mail": true}, `Unknown name \"include_mail\"`},
		"a delegate's bare address":   {"generateIdToken", map[string]any{"audience": "x", "delegates": []string{middleman}}, "Request contains an invalid argument."},
		"a lifetime without its unit": {"generateAccessToken", map[string]any{"scope": scope, "lifetime": "3600"}, "Invalid value at 'lifetime'"},
		"a lifetime in hours":         {"generateAccessToken", map[string]any{"scope": scope, "lifetime": "1h"}, "Invalid value at 'lifetime'"},
	} {
		t.Run(name, func(t *testing.T) {
			got := g.json(t, g.iam(c.method, target), token, c.body)
			if got.status != http.StatusBadRequest || got.at(t, "error", "status") != "INVALID_ARGUMENT" || !strings.Contains(got.body, c.text) {
				t.Errorf("got %d %s", got.status, got.body)
			}
		})
	}
	// Python's google-auth sends null for what is not set.
	got := g.json(t, g.iam("generateAccessToken", strings.ReplaceAll(target, "@", "%40")), token, map[string]any{"delegates": nil, "scope": scope, "lifetime": "1800s"})
	if got.status != http.StatusOK {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

func TestIAMCredentialsWantsAnAccessTokenOfThisCloud(t *testing.T) {
	g := startGoogle(t)
	g.Bind("serviceAccount:"+robot, RoleTokenCreator, target)
	body := map[string]any{"scope": []string{cloudPlatformScope}}
	id, err := g.IDToken(robot, "https://iamcredentials.googleapis.com/")
	if err != nil {
		t.Fatal(err)
	}
	short := g.AccessToken("serviceAccount:"+robot, time.Minute, cloudPlatformScope)
	narrow := g.AccessToken("serviceAccount:"+robot, time.Hour, bigQueryScope)
	g.clock.advance(time.Minute)
	for name, c := range map[string]struct {
		token  string
		status int
		text   string
	}{
		"a made-up token":   {"ya29.c.made-up", 401, "Request had invalid authentication credentials. Expected OAuth 2 access token"},
		"an ID token":       {id, 401, "UNAUTHENTICATED"},
		"an expired token":  {short, 401, "UNAUTHENTICATED"},
		"too narrow scopes": {narrow, 403, "Request had insufficient authentication scopes."},
	} {
		if got := g.json(t, g.iam("generateAccessToken", target), c.token, body); got.status != c.status || !strings.Contains(got.body, c.text) {
			t.Errorf("%s: got %d %s", name, got.status, got.body)
		}
	}
	got := g.do(t, http.MethodPost, g.iam("generateAccessToken", target), "application/json", "{}")
	if got.status != http.StatusUnauthorized || !strings.Contains(got.body, "Request is missing required authentication credential.") {
		t.Errorf("no token: got %d %s", got.status, got.body)
	}
}
