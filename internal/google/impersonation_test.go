package google

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
	"github.com/idferry/idferry/internal/problem"
)

func reply(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body))}
}

func (w *world) user() string {
	w.t.Helper()
	data, err := w.cloud.AddUser(fakecloud.GoogleUser{Email: "me@example.com", Subject: "1", ClientID: "client", ClientSecret: "s", RefreshToken: "1//refresh"})
	if err != nil {
		w.t.Fatal(err)
	}
	return w.write("application_default_credentials.json", data)
}

func TestUserImpersonates(t *testing.T) {
	w := newWorld(t)
	s := w.settings("auto")
	s.KeyFile, s.ServiceAccount = w.user(), runner
	_, _, _, err := w.take(s)
	refused(t, err, "PERMISSION_DENIED", "answered 403 PERMISSION_DENIED: Permission 'iam.serviceAccounts.getOpenIdToken' denied on resource (or it may not exist)",
		"gcloud iam service-accounts add-iam-policy-binding "+runner+" --member=user:me@example.com --role="+openIDTokenCreator)
	w.cloud.Bind("user:me@example.com", fakecloud.RoleOpenIDTokenCreator, runner)
	w.takeFor(s, "impersonation", runner)

	w.cloud.RevokeUser("1//refresh")
	_, _, _, err = w.take(s)
	refused(t, err, "invalid_grant", "Token has been expired or revoked", "gcloud auth application-default login")
}

func TestUserWithoutTarget(t *testing.T) {
	w := newWorld(t)
	for _, source := range []string{"auto", "impersonation"} {
		s := w.settings(source)
		s.KeyFile = w.user()
		_, err := New(s)
		refused(t, err, problem.BadInput, "authorized_user", "cannot get an ID token for an audience", "--impersonate-service-account EMAIL")
	}
}

func TestDelegatesAreKept(t *testing.T) {
	w := newWorld(t)
	s := w.settings("impersonation")
	s.KeyFile, s.ServiceAccount = w.key(runner), middle+" , "+deployer
	_, _, _, err := w.take(s)
	refused(t, err, "PERMISSION_DENIED", "implicitDelegation", "add-iam-policy-binding "+middle+" --member=serviceAccount:"+runner+" --role="+tokenCreator)
	w.cloud.Bind("serviceAccount:"+runner, fakecloud.RoleTokenCreator, middle)
	_, _, _, err = w.take(s)
	refused(t, err, "PERMISSION_DENIED", "add-iam-policy-binding "+deployer+" --member=serviceAccount:"+middle+" --role="+openIDTokenCreator)
	w.cloud.Bind("serviceAccount:"+middle, fakecloud.RoleOpenIDTokenCreator, deployer)
	w.takeFor(s, "impersonation", deployer)
}

// The Go idtoken libraries drop the delegates of such a file.
func TestImpersonatedFileKeepsItsDelegates(t *testing.T) {
	w := newWorld(t)
	for name, delegate := range map[string]string{"as gcloud writes them": middle, "as IAM Credentials takes them": resourcePrefix + middle} {
		t.Run(name, func(t *testing.T) {
			file := map[string]any{
				"type": "impersonated_service_account", "service_account_impersonation_url": w.cloud.ImpersonationURL(deployer), "delegates": []string{delegate},
				"source_credentials": map[string]string{
					"type": "authorized_user", "client_id": "client", "client_secret": "s", "refresh_token": "1//refresh", "token_uri": w.cloud.TokenURL(),
				},
			}
			w.user()
			delete(w.env, iamEndpointVariable) // then the file's own host is asked
			s := w.settings("auto")
			s.KeyFile = w.write("adc.json", mustJSON(file))
			w.cloud.Bind("user:me@example.com", fakecloud.RoleTokenCreator, middle)
			w.cloud.Bind("serviceAccount:"+middle, fakecloud.RoleOpenIDTokenCreator, deployer)
			w.takeFor(s, "impersonation", deployer)
		})
	}
}

// external writes the external_account file of a workload whose subject token is one of the cloud's own ID tokens.
func (w *world) external(target string) (file string, principal string) {
	w.t.Helper()
	const pool = "projects/42/locations/global/workloadIdentityPools/pool"
	provider := "//iam.googleapis.com/" + pool + "/providers/oidc"
	if err := w.cloud.AddProvider(fakecloud.OIDCProvider{Audience: provider, Issuer: fakecloud.GoogleIssuer, JWKSURL: w.cloud.JWKSURL, AllowedAudiences: []string{"sts"}}); err != nil {
		w.t.Fatal(err)
	}
	subject, err := w.cloud.IDToken(middle, "sts")
	if err != nil {
		w.t.Fatal(err)
	}
	fields := map[string]any{
		"type": "external_account", "audience": provider, "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": w.cloud.STSURL(),
		"credential_source": map[string]string{"file": w.write("subject", []byte(subject))},
	}
	if target != "" {
		fields["service_account_impersonation_url"] = w.cloud.ImpersonationURL(target)
	}
	return w.write("external.json", mustJSON(fields)), "principal://iam.googleapis.com/" + pool + "/subject/115000000000000000003"
}

func TestExternalAccountTakesItsOwnTarget(t *testing.T) {
	w := newWorld(t)
	s := w.settings("auto")
	file, principal := w.external(deployer)
	s.KeyFile = file
	_, _, _, err := w.take(s)
	refused(t, err, "PERMISSION_DENIED", "--member=principal://iam.googleapis.com/projects/42/locations/global/workloadIdentityPools/pool/subject/SUBJECT --role="+workloadIdentity)
	w.cloud.Bind(principal, fakecloud.RoleWorkloadIdentityUser, deployer)
	w.takeFor(s, "impersonation", deployer)
	s.ServiceAccount = deployer // said twice
	w.takeFor(s, "impersonation", deployer)
	for _, r := range w.cloud.IAM.Requests() {
		if !strings.HasSuffix(r.Path, ":generateIdToken") {
			t.Errorf("%s asked for nothing", r.Path)
		}
	}
}

func TestExternalAccountGoesOnToAnotherTarget(t *testing.T) {
	w := newWorld(t)
	s := w.settings("auto")
	file, principal := w.external(runner)
	s.KeyFile, s.ServiceAccount = file, deployer
	w.cloud.Bind(principal, fakecloud.RoleWorkloadIdentityUser, runner)
	_, _, _, err := w.take(s)
	refused(t, err, "PERMISSION_DENIED", "--member=serviceAccount:"+runner+" --role="+openIDTokenCreator)
	w.cloud.Bind("serviceAccount:"+runner, fakecloud.RoleOpenIDTokenCreator, deployer)
	w.takeFor(s, "impersonation", deployer)
}

func TestExternalAccountWithoutTarget(t *testing.T) {
	w := newWorld(t)
	s := w.settings("auto")
	s.KeyFile, _ = w.external("")
	_, err := New(s)
	refused(t, err, problem.BadInput, "external_account", "--impersonate-service-account EMAIL", "principal://iam.googleapis.com/projects/42/")
}

func TestTokenExchangeThatRefuses(t *testing.T) {
	w := newWorld(t)
	s := w.settings("auto")
	s.KeyFile, _ = w.external(deployer)
	w.ahead.Store(int64(3 * time.Hour)) // the subject token is over
	_, _, _, err := w.take(s)
	refused(t, err, "invalid_grant", "answered 400 invalid_grant")
}

func TestFilesThatCannotImpersonate(t *testing.T) {
	w := newWorld(t)
	source := map[string]string{"type": "authorized_user", "refresh_token": "1//refresh"}
	for name, c := range map[string]struct {
		file  map[string]any
		words []string
	}{
		"no source":       {map[string]any{"type": "impersonated_service_account", "service_account_impersonation_url": "https://x/v1/projects/-/serviceAccounts/a@b:generateAccessToken"}, []string{`"source_credentials" is missing`}},
		"no target":       {map[string]any{"type": "impersonated_service_account", "source_credentials": source}, []string{`"service_account_impersonation_url" is missing`}},
		"URL of nobody":   {map[string]any{"type": "impersonated_service_account", "source_credentials": source, "service_account_impersonation_url": "https://x/v1/"}, []string{"names no service account"}},
		"plain URL":       {map[string]any{"type": "external_account", "audience": "a", "service_account_impersonation_url": "http://x/v1/projects/-/serviceAccounts/a@b:generateAccessToken"}, []string{"not an https URL"}},
		"plain token_url": {map[string]any{"type": "external_account", "audience": "a", "token_url": "http://sts"}, []string{`"token_url"`, "not an https URL"}},
		"bad source": {map[string]any{"type": "impersonated_service_account", "source_credentials": map[string]string{"type": "authorized_user"},
			"service_account_impersonation_url": "https://x/v1/projects/-/serviceAccounts/a@b:generateAccessToken"}, []string{`"source_credentials"`, `"refresh_token" is missing`}},
	} {
		t.Run(name, func(t *testing.T) {
			s := w.settings("impersonation")
			s.KeyFile = w.write("adc.json", mustJSON(c.file))
			_, err := New(s)
			refused(t, err, problem.BadInput, c.words...)
		})
	}
	w.env[iamEndpointVariable] = "http://plain"
	s := w.settings("impersonation")
	s.ServiceAccount = runner
	_, err := New(s)
	refused(t, err, problem.BadInput, "$"+iamEndpointVariable)
}

func TestIAMCredentialsThatRefuses(t *testing.T) {
	w := newWorld(t)
	s := w.settings("impersonation")
	s.KeyFile, s.ServiceAccount = w.key(runner), "nobody@sample-project.iam.gserviceaccount.com"
	_, _, _, err := w.take(s)
	refused(t, err, "NOT_FOUND", "Gaia id not found", "gcloud iam service-accounts describe nobody@")
	s.ServiceAccount = deployer
	for name, c := range map[string]struct {
		handler http.Handler
		code    string
		words   []string
	}{
		"API disabled": {answer(403, "application/json", `{"error":{"code":403,"message":"IAM Service Account Credentials API has not been used in project 42 before or it is disabled.","status":"PERMISSION_DENIED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"SERVICE_DISABLED","metadata":{"consumer":"projects/42"}}]}}`),
			"PERMISSION_DENIED", []string{"gcloud services enable iamcredentials.googleapis.com --project=42"}},
		"outage":   {answer(503, "text/html", "<html>"), problem.Refused, []string{"answered 503", "text/html, not JSON"}},
		"garbage":  {answer(200, "application/json", `{"token":`), problem.BadAnswer, []string{"without a token"}},
		"empty":    {answer(200, "application/json", ""), problem.BadAnswer, []string{"without a token"}},
		"no token": {answer(200, "application/json", `{}`), problem.BadAnswer, []string{"without a token"}},
		"opaque":   {answer(200, "application/json", `{"token":"opaque"}`), problem.BadAnswer, []string{"not a JSON Web Token"}},
	} {
		t.Run(name, func(t *testing.T) {
			w.cloud.IAM.Answer(c.handler)
			defer w.cloud.IAM.Answer(nil)
			_, _, _, err := w.take(s)
			refused(t, err, c.code, c.words...)
		})
	}
}

func TestUniverseAndQuotaProjectOfTheCaller(t *testing.T) {
	w := newWorld(t)
	delete(w.env, iamEndpointVariable)
	w.instance(runner)
	minted, err := w.cloud.IDToken(deployer, audience)
	if err != nil {
		t.Fatal(err)
	}
	var asked []string
	real := w.ca.Client().Transport
	s := w.settings("impersonation")
	s.HTTP = &http.Client{Transport: transportFunc(func(r *http.Request) (*http.Response, error) {
		if strings.HasPrefix(r.URL.Host, "iamcredentials.") {
			asked = append(asked, r.URL.Host+" "+r.Header.Get("X-Goog-User-Project"))
			return reply(200, string(mustJSON(map[string]string{"token": minted}))), nil
		}
		return real.RoundTrip(r)
	})}
	s.ServiceAccount = deployer
	w.takeFor(s, "impersonation", deployer)

	w.user()
	s.KeyFile = w.write("adc.json", mustJSON(map[string]string{
		"type": "authorized_user", "client_id": "client", "client_secret": "s", "refresh_token": "1//refresh", "token_uri": w.cloud.TokenURL(),
		"quota_project_id": "billed", "universe_domain": "apis.example.goog",
	}))
	w.takeFor(s, "impersonation", deployer)
	if !slices.Equal(asked, []string{"iamcredentials.googleapis.com ", "iamcredentials.googleapis.com billed"}) {
		t.Errorf("%q", asked)
	}
}

func TestAPassingFaultAtGoogleIsNone(t *testing.T) {
	w := newWorld(t)
	s := w.settings("auto")
	s.KeyFile, s.ServiceAccount = w.user(), runner
	w.cloud.Bind("user:me@example.com", fakecloud.RoleOpenIDTokenCreator, runner)
	for name, server := range map[string]*fakecloud.Server{"token endpoint": w.cloud.Token, "IAM Credentials": w.cloud.IAM} {
		t.Run(name, func(t *testing.T) {
			server.Answer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
				server.Answer(nil)
				rw.Header().Set("Retry-After", "1")
				rw.WriteHeader(http.StatusTooManyRequests)
			}))
			w.takeFor(s, "impersonation", runner)
		})
	}
}
