package entra

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

const (
	tenantID = "11111111-1111-1111-1111-111111111111"
	clientID = "22222222-2222-2222-2222-222222222222"
	audience = "api://AzureADTokenExchange"
	account  = "runner@sample-project.iam.gserviceaccount.com"
	subject  = "115000000000000000001"
	scope    = "https://management.azure.com/.default"
)

// trust is an application in Entra that trusts a Google account.
type trust struct {
	entra  *fakecloud.Entra
	google *fakecloud.Google
	client *http.Client
	now    time.Time
}

func newTrust(t *testing.T) *trust {
	t.Helper()
	// MSAL reckons expiry from the system's clock.
	f := &trust{now: time.Now().Truncate(time.Second)}
	ca, err := fakecloud.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return f.now }
	if f.google, err = fakecloud.StartGoogle(ca, now); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.google.Close)
	if f.entra, err = fakecloud.StartEntra(ca, now); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.entra.Close)
	f.google.AddServiceAccount(fakecloud.ServiceAccount{Email: account, UniqueID: subject, ProjectID: "sample-project"})
	f.entra.AddApplication(fakecloud.Application{
		TenantID: tenantID, ClientID: clientID, ObjectID: "33333333-3333-3333-3333-333333333333",
		Federated: []fakecloud.FederatedCredential{{Issuer: fakecloud.GoogleIssuer, Subject: subject, Audience: audience}},
	})
	f.entra.TrustIssuer(fakecloud.GoogleIssuer, f.google.JWKSURL)
	f.client = ca.Client()
	return f
}

// exchange returns an exchange of a token with that audience, changed by options.
func (f *trust) exchange(t *testing.T, aud string, options ...fakecloud.IDTokenOption) Exchange {
	t.Helper()
	cloud, err := FindCloud("", f.entra.URL)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := f.google.IDToken(account, aud, options...)
	if err != nil {
		t.Fatal(err)
	}
	return Exchange{
		Cloud: cloud, TenantID: tenantID, ClientID: clientID, HTTP: f.client, Now: func() time.Time { return f.now },
		Assertion: token.SourceFunc(func(context.Context) (token.Token, error) { return token.Token{Value: token.NewSecret(raw)}, nil }),
	}
}

// asked lists what Entra was asked, without the tenant.
func (f *trust) asked() []string {
	var asked []string
	for _, r := range f.entra.Requests() {
		asked = append(asked, r.Method+" "+strings.TrimPrefix(r.Path, "/"+tenantID))
	}
	return asked
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func reply(r *http.Request, status int, header http.Header, body string) *http.Response {
	if header == nil {
		header = http.Header{"Content-Type": {"application/json"}}
	}
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
}

// instead answers token requests in the service's place while answer returns a response.
func (f *trust) instead(answer func(r *http.Request) (*http.Response, error)) *http.Client {
	real := f.client.Transport
	return &http.Client{Transport: transportFunc(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodPost {
			if resp, err := answer(r); resp != nil || err != nil {
				return resp, err
			}
		}
		return real.RoundTrip(r)
	})}
}

func (f *trust) refused(t *testing.T, e Exchange, code string, words ...string) *problem.Error {
	t.Helper()
	got, err := e.Token(context.Background(), []string{scope}, "")
	var p *problem.Error
	if !errors.As(err, &p) {
		t.Fatalf("no problem but %v", err)
	}
	if p.Code != code || !got.Value.Empty() {
		t.Errorf("code %s: %s", p.Code, p.Error())
	}
	for _, word := range words {
		if !strings.Contains(p.Error(), word) {
			t.Errorf("%q is not in: %s", word, p.Error())
		}
	}
	if strings.Contains(p.Error(), "eyJ") {
		t.Errorf("shows a token: %s", p.Error())
	}
	return p
}

// by reaches the one service under whatever name a cloud's has.
func (f *trust) by(t *testing.T) *http.Client {
	t.Helper()
	at, err := url.Parse(f.entra.URL)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Transport: transportFunc(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		r.Host, r.URL.Host = r.URL.Host, at.Host
		return f.client.Transport.RoundTrip(r)
	})}
}

func TestAKnownCloudIsNotAskedForItsEndpoints(t *testing.T) {
	for _, cloud := range clouds() {
		for _, tenant := range []string{tenantID, strings.ToUpper("aaaaaaaa") + tenantID[8:]} {
			t.Run(cloud.Name+" "+tenant, func(t *testing.T) {
				f := newTrust(t)
				e := f.exchange(t, cloud.AssertionAudience)
				e.Cloud, e.TenantID, e.HTTP = cloud, tenant, f.by(t)
				_, err := e.Token(context.Background(), []string{scope}, "")
				if known := tenant == tenantID && cloud.AssertionAudience == audience; known != (err == nil) {
					t.Error(err)
				}
				for _, r := range f.entra.Requests() {
					if r.Method != http.MethodPost || !strings.EqualFold(r.Path, "/"+tenant+"/oauth2/v2.0/token") {
						t.Errorf("asked %s %s", r.Method, r.Path)
					}
				}
				if n := len(f.entra.Requests()); n != 1 {
					t.Errorf("%d requests", n)
				}
			})
		}
	}
}

func TestAPrivateAuthorityIsAskedForItsEndpoints(t *testing.T) {
	f := newTrust(t)
	got, err := f.exchange(t, audience).Token(context.Background(), []string{scope}, "")
	if err != nil {
		t.Fatal(err)
	}
	claims, err := token.ReadClaims(got.Value.Reveal())
	if err != nil || claims.AppID != clientID || claims.TenantID != tenantID {
		t.Errorf("%+v %v", claims, err)
	}
	if off := got.ExpiresOn.Sub(claims.Expiry).Abs(); off > 30*time.Second || got.ExpiresOn.Location() != time.UTC {
		t.Errorf("expires %s, the token says %s", got.ExpiresOn, claims.Expiry)
	}
	if !got.RefreshOn.IsZero() {
		t.Error(got.RefreshOn)
	}
	if want := []string{"GET /v2.0/.well-known/openid-configuration", "POST /oauth2/v2.0/token"}; !slices.Equal(f.asked(), want) {
		t.Errorf("asked %q", f.asked())
	}
}

func TestLongTokenIsRenewedWhenEntraAsksFor(t *testing.T) {
	f := newTrust(t)
	f.entra.Issue(24*time.Hour, 0)
	got, err := f.exchange(t, audience).Token(context.Background(), []string{scope}, "")
	if err != nil {
		t.Fatal(err)
	}
	if off := got.RefreshOn.Sub(f.now.Add(12 * time.Hour)).Abs(); off > 30*time.Second || got.RefreshOn.Location() != time.UTC {
		t.Error(got.RefreshOn)
	}
}

func TestAssertionIsFetchedWhileTheEndpointIsResolved(t *testing.T) {
	f := newTrust(t)
	e := f.exchange(t, audience)
	source, real := e.Assertion, f.client.Transport
	resolving, fetching := make(chan struct{}), make(chan struct{})
	// Each waits for the other: one after the other would never end.
	e.Assertion = token.SourceFunc(func(ctx context.Context) (token.Token, error) {
		close(fetching)
		<-resolving
		return source.Token(ctx)
	})
	var once sync.Once
	e.HTTP = &http.Client{Transport: transportFunc(func(r *http.Request) (*http.Response, error) {
		once.Do(func() { close(resolving) })
		<-fetching
		return real.RoundTrip(r)
	})}
	if _, err := e.Token(context.Background(), []string{scope}, ""); err != nil {
		t.Fatal(err)
	}
}

func TestFailureOfTheAssertionComesOutAsItIs(t *testing.T) {
	f := newTrust(t)
	e := f.exchange(t, audience)
	own := problem.New(problem.NoIdentity, "no Google identity was found").WithHint("sign in")
	for name, before := range map[string]func(*http.Request){
		"while the endpoint is resolved": func(*http.Request) {},
		"while nothing answers": func(r *http.Request) {
			select {
			case <-r.Context().Done():
			case <-time.After(10 * time.Second):
				t.Error("the exchange goes on without an assertion")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			e.Assertion = token.SourceFunc(func(context.Context) (token.Token, error) { return token.Token{}, own })
			real := f.client.Transport
			e.HTTP = &http.Client{Transport: transportFunc(func(r *http.Request) (*http.Response, error) {
				before(r)
				return real.RoundTrip(r)
			})}
			_, err := e.Token(context.Background(), []string{scope}, "")
			if err != error(own) {
				t.Errorf("%v", err)
			}
		})
	}
	if slices.Contains(f.asked(), "POST /oauth2/v2.0/token") {
		t.Error("a token was asked for without an assertion")
	}
	e = f.exchange(t, audience)
	e.Assertion = token.SourceFunc(func(context.Context) (token.Token, error) { return token.Token{}, nil })
	f.refused(t, e, problem.BadAnswer, "assertion to exchange is empty")
}

func TestUnknownTenantEndsTheFetchOfTheAssertion(t *testing.T) {
	f := newTrust(t)
	e := f.exchange(t, audience)
	e.TenantID = "99999999-9999-9999-9999-999999999999"
	ended := false
	e.Assertion = token.SourceFunc(func(ctx context.Context) (token.Token, error) {
		<-ctx.Done()
		ended = true
		return token.Token{}, ctx.Err()
	})
	f.refused(t, e, "AADSTS90002", "not found")
	if !ended {
		t.Error("the source runs on after the call")
	}
}

func TestDeadline(t *testing.T) {
	f := newTrust(t)
	e := f.exchange(t, audience)
	ctx, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	defer cancel()
	_, err := e.Token(ctx, []string{scope}, "")
	if p := problem.From(err); p == nil || p.Code != problem.DeadlineExceeded {
		t.Errorf("%v", err)
	}
}

func TestTrustThatDoesNotMatch(t *testing.T) {
	f := newTrust(t)
	for name, c := range map[string]struct {
		e         Exchange
		code      string
		presented string
	}{
		"issuer":   {f.exchange(t, audience, fakecloud.IDTokenClaim("iss", "https://accounts.google.com/")), "AADSTS700211", "issuer https://accounts.google.com/, subject " + subject + ", audience " + audience},
		"audience": {f.exchange(t, "api://other"), "AADSTS700212", "issuer https://accounts.google.com, subject " + subject + ", audience api://other"},
		"subject":  {f.exchange(t, audience, fakecloud.IDTokenClaim("sub", account)), "AADSTS700213", "issuer https://accounts.google.com, subject " + account + ", audience " + audience},
	} {
		t.Run(name, func(t *testing.T) {
			p := f.refused(t, c.e, c.code, "presented: "+c.presented)
			if !strings.Contains(p.Message, "presented: ") {
				t.Error("what was presented is not in the message:", p.Message)
			}
		})
	}
	p := f.refused(t, f.exchange(t, audience, fakecloud.IDTokenClaim("sub", "it's me")), "AADSTS700213")
	const command = `az ad app federated-credential create --id ` + clientID + ` --parameters '{"name":"accounts-google-com-c0b86794","issuer":"https://accounts.google.com","subject":"it'\''s me","audiences":["` + audience + `"]}'`
	if !strings.Contains(p.Hint, command) {
		t.Errorf("%s\nwant %s", p.Hint, command)
	}
}

func TestNoTwoSubjectsHaveACredentialOfOneName(t *testing.T) {
	seen := map[string]string{}
	for _, subject := range []string{"115000000000000000001", "115000000000000000002", "system:serviceaccount:prod:app", "system:serviceaccount:Prod:App", "", "a@b", strings.Repeat("1", 600)} {
		name := CredentialName("https://accounts.google.com/"+strings.Repeat("x", 600), subject)
		if other, taken := seen[strings.ToLower(name)]; taken || len(name) > 120 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			t.Errorf("%q: %s, which %q has", subject, name, other)
		}
		seen[strings.ToLower(name)] = subject
	}
	if name := CredentialName(strings.Repeat("i", 600), "1"); len(name) != 120 {
		t.Error(len(name))
	}
	if name := CredentialName("https://accounts.google.com", "115000000000000000001"); name != "accounts-google-com-115000000000000000001" {
		t.Error(name)
	}
	if CredentialName("https://container.googleapis.com/v1/c/one", "s") == CredentialName("https://container.googleapis.com/v1/c/two", "s") {
		t.Error("two clusters have one name")
	}
}

func TestAssertionThatIsOver(t *testing.T) {
	f := newTrust(t)
	e := f.exchange(t, audience, fakecloud.IDTokenIssued(f.now.Add(-3*time.Hour), time.Hour))
	f.refused(t, e, "AADSTS700024", "this machine's clock shows "+f.now.UTC().Format(time.RFC3339), "valid until "+f.now.Add(-2*time.Hour).UTC().Format(time.RFC3339))

	// By this machine's clock alone: whatever else is wrong, the clock is worth a look.
	e = f.exchange(t, "api://other")
	e.Now = func() time.Time { return f.now.Add(2 * time.Hour) }
	f.refused(t, e, "AADSTS700212", "presented: ", "this machine's clock shows "+f.now.Add(2*time.Hour).UTC().Format(time.RFC3339))
	e = f.exchange(t, "api://other")
	if p := f.refused(t, e, "AADSTS700212"); strings.Contains(p.Error(), "clock") {
		t.Error(p)
	}
}

func TestOtherRefusals(t *testing.T) {
	f := newTrust(t)
	e := f.exchange(t, audience)
	e.ClientID = "99999999-9999-9999-9999-999999999999"
	f.refused(t, e, "AADSTS700016", "was not found in the directory")
	f.refused(t, f.exchange(t, audience, fakecloud.IDTokenForged()), "AADSTS700027", "signature")
	e = f.exchange(t, audience)
	e.Assertion = token.SourceFunc(func(context.Context) (token.Token, error) {
		return token.Token{Value: token.NewSecret("ya29.opaque")}, nil
	})
	if p := f.refused(t, e, "AADSTS50027"); strings.Contains(p.Error(), "ya29") {
		t.Error(p)
	}
	if _, err := f.exchange(t, audience).Token(context.Background(), []string{"https://nothing.example/.default"}, ""); problem.From(err).Code != "AADSTS500011" {
		t.Error(err)
	}
}

func TestThrottlingIsWaitedForAsAsked(t *testing.T) {
	f := newTrust(t)
	e := f.exchange(t, audience)
	var bodies []string
	e.HTTP = f.instead(func(r *http.Request) (*http.Response, error) {
		body, _ := io.ReadAll(r.Body)
		bodies = append(bodies, string(body))
		if len(bodies) > 1 {
			r.Body = io.NopCloser(strings.NewReader(string(body)))
			return nil, nil
		}
		return reply(r, http.StatusTooManyRequests, http.Header{"Retry-After": {"1"}}, `{"error":"temporarily_unavailable"}`), nil
	})
	start := time.Now()
	if _, err := e.Token(context.Background(), []string{scope}, ""); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took < time.Second || len(bodies) != 2 || bodies[0] != bodies[1] || bodies[0] == "" {
		t.Errorf("%d requests in %s", len(bodies), took)
	}
}

func TestThrottlingBeyondTheDeadlineIsNotWaitedFor(t *testing.T) {
	f := newTrust(t)
	e := f.exchange(t, audience)
	tries := 0
	e.HTTP = f.instead(func(r *http.Request) (*http.Response, error) {
		tries++
		return reply(r, http.StatusTooManyRequests, http.Header{"Retry-After": {"3600"}},
			`{"error":"temporarily_unavailable","error_description":"AADSTS90055: throttled","error_codes":[90055]}`), nil
	})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err := e.Token(ctx, []string{scope}, "")
	if p := problem.From(err); p == nil || p.Code != "AADSTS90055" || ctx.Err() != nil || tries != 1 {
		t.Errorf("%d tries: %v", tries, err)
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	f := newTrust(t)
	for name, c := range map[string]struct{ kind, body string }{
		"a sign-in page": {"text/html", "<html>sign in</html>"}, "empty": {"application/json", ""}, "cut short": {"application/json", `{"access_token":"eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln`},
		"no token": {"application/json", `{"token_type":"Bearer","expires_in":3600}`}, "no expiry": {"application/json", `{"access_token":""}`},
	} {
		t.Run(name, func(t *testing.T) {
			e := f.exchange(t, audience)
			e.HTTP = f.instead(func(r *http.Request) (*http.Response, error) {
				return reply(r, http.StatusOK, http.Header{"Content-Type": {c.kind}}, c.body), nil
			})
			got, err := e.Token(context.Background(), []string{scope}, "")
			if err == nil || !got.Value.Empty() || strings.Contains(err.Error(), "eyJ") || strings.Contains(err.Error(), "<html>") {
				t.Errorf("%v", err)
			}
			var p *problem.Error
			if !errors.As(err, &p) || p.Code != problem.BadAnswer || !strings.Contains(p.Hint, "curl -sSi "+f.entra.URL+"/"+tenantID) {
				t.Errorf("%#v", p)
			}
		})
	}
}

func TestHostThatDoesNotExistIsAskedOnce(t *testing.T) {
	f := newTrust(t)
	e := f.exchange(t, audience)
	tries := 0
	e.HTTP = &http.Client{Transport: transportFunc(func(*http.Request) (*http.Response, error) {
		tries++
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "login.example", IsNotFound: true}}
	})}
	f.refused(t, e, problem.Unreachable, "no such host")
	if tries != 1 {
		t.Errorf("%d tries", tries)
	}
}

func TestRegionFromTheEnvironmentIsPassedOver(t *testing.T) {
	t.Setenv("MSAL_FORCE_REGION", "westeurope")
	f := newTrust(t)
	if _, err := f.exchange(t, audience).Token(context.Background(), []string{scope}, ""); err != nil {
		t.Fatal(err)
	}
}

func TestClaimsAndCapabilitiesAreSent(t *testing.T) {
	f := newTrust(t)
	for name, c := range map[string]struct {
		capabilities []string
		claims, want string
	}{
		"neither":        {nil, "", ""},
		"a capability":   {[]string{"CP1"}, "", `{"access_token":{"xms_cc":{"values":["CP1"]}}}`},
		"a challenge":    {nil, `{"access_token":{"nbf":{"essential":true}}}`, `{"access_token":{"nbf":{"essential":true}}}`},
		"both, together": {[]string{"CP1"}, `{"access_token":{"nbf":{"essential":true}}}`, `{"access_token":{"nbf":{"essential":true},"xms_cc":{"values":["CP1"]}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			e := f.exchange(t, audience)
			e.ClientCapabilities = c.capabilities
			sent := ""
			e.HTTP = f.instead(func(r *http.Request) (*http.Response, error) {
				body, _ := io.ReadAll(r.Body)
				r.Body = io.NopCloser(strings.NewReader(string(body)))
				r2 := &http.Request{Method: http.MethodPost, Header: r.Header, Body: io.NopCloser(strings.NewReader(string(body)))}
				sent = r2.PostFormValue("claims")
				return nil, nil
			})
			if _, err := e.Token(context.Background(), []string{scope}, c.claims); err != nil {
				t.Fatal(err)
			}
			if sent != c.want {
				t.Error(sent)
			}
		})
	}
	_, err := f.exchange(t, audience).Token(context.Background(), []string{scope}, "eyJub3QiOiJkZWNvZGVkIn0")
	if p := problem.From(err); p == nil || !p.Misuse {
		t.Errorf("%v", err)
	}
}

func TestTenantsAndClientsThatCannotBe(t *testing.T) {
	for _, c := range []struct {
		tenant, client, field string
	}{
		{"", clientID, "--tenant-id"}, {"contoso", clientID, "AZURE_TENANT_ID"}, {"common", clientID, "AZURE_TENANT_ID"}, {"../x.y", clientID, "AZURE_TENANT_ID"},
		{"a..b", clientID, "AZURE_TENANT_ID"}, {"-a.example", clientID, "AZURE_TENANT_ID"}, {tenantID + "/x", clientID, "AZURE_TENANT_ID"},
		{tenantID, "", "--client-id"}, {tenantID, "my-app", "AZURE_CLIENT_ID"}, {tenantID, "{" + clientID + "}", "AZURE_CLIENT_ID"},
		{tenantID, strings.Replace(clientID, "-", "2", 1), "AZURE_CLIENT_ID"}, {tenantID, strings.Replace(clientID, "2", "g", 1), "AZURE_CLIENT_ID"},
	} {
		err := Exchange{TenantID: c.tenant, ClientID: c.client}.Check()
		if p := problem.From(err); p == nil || !p.Misuse || !strings.Contains(p.Error(), c.field) || p.Hint == "" {
			t.Errorf("%q %q: %v", c.tenant, c.client, err)
		}
	}
	for _, tenant := range []string{tenantID, strings.ToUpper("aaaaaaaa-1111-1111-1111-11111111111f"), "contoso.com", "contoso.onmicrosoft.com", "xn--bcher-kva.example"} {
		if err := (Exchange{TenantID: tenant, ClientID: clientID}).Check(); err != nil {
			t.Errorf("%q: %v", tenant, err)
		}
	}
}
