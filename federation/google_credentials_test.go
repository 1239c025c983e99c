package federation

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/auth"
	authaccount "cloud.google.com/go/auth/credentials/externalaccount"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"golang.org/x/oauth2"
	oauth2account "golang.org/x/oauth2/google/externalaccount"

	"github.com/idferry/idferry/internal/fakecloud"
	"github.com/idferry/idferry/internal/token"
)

func googleOptions(s *fakecloud.Sandbox) GoogleCredentialsOptions {
	o := GoogleCredentialsOptions{ServiceAccount: fakecloud.SandboxAccount, TokenURL: s.Google.STSURL()}
	o.ServiceAccountImpersonationURL = s.Google.ImpersonationURL(fakecloud.SandboxAccount)
	o.Resource, o.Identity, o.HTTPClient = fakecloud.SandboxResource, "managed-identity", s.CA.Client()
	return o
}

// query asks BigQuery for today with a client that signs its requests.
func query(t *testing.T, s *fakecloud.Sandbox, client *http.Client) (int, string) {
	t.Helper()
	at := s.Google.BigQuery.URL + "/bigquery/v2/projects/" + fakecloud.SandboxProject + "/queries"
	resp, err := client.Post(at, "application/json", strings.NewReader(`{"query":"SELECT CURRENT_DATE()","useLegacySql":false}`))
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

// signing is a client that does with credentials what Google's clients do with them.
type signing struct {
	credentials *auth.Credentials
	next        http.RoundTripper
}

func (c signing) RoundTrip(r *http.Request) (*http.Response, error) {
	t, err := c.credentials.Token(r.Context())
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", t.Type+" "+t.Value)
	return c.next.RoundTrip(r)
}

func authClient(s *fakecloud.Sandbox, credentials *auth.Credentials) *http.Client {
	return &http.Client{Transport: signing{credentials, s.CA.Client().Transport}}
}

func TestAGoogleClientOnAnAzureMachine(t *testing.T) {
	s := sandbox(t)
	t.Setenv("AZURE_CLIENT_ID", "")
	o := googleOptions(s)
	credentials, err := NewGoogleCredentials(fakecloud.SandboxProvider, &o)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if status, body := query(t, s, authClient(s, credentials)); status != http.StatusOK || !strings.Contains(body, time.Now().UTC().Format("2006-01-")) {
			t.Fatal(status, body)
		}
	}
	if served := s.Google.Served(); served[len(served)-1] != "serviceAccount:"+fakecloud.SandboxAccount {
		t.Error(served)
	}
	if n := len(s.IMDS.Requests()); n != 1 {
		t.Errorf("the metadata service was asked %d times", n)
	}
	if universe, err := credentials.UniverseDomain(t.Context()); universe != "googleapis.com" || err != nil {
		t.Error(universe, err)
	}
}

func TestBothOfGooglesLibrariesTakeTheSubjectTokens(t *testing.T) {
	s := sandbox(t)
	t.Setenv("AZURE_CLIENT_ID", "")
	tokens, err := NewSubjectTokens(&SubjectTokensOptions{ClientOptions: ClientOptions{HTTPClient: s.CA.Client()}, Resource: fakecloud.SandboxResource, Identity: "managed-identity"})
	if err != nil {
		t.Fatal(err)
	}
	const jwt = "urn:ietf:params:oauth:token-type:jwt"
	scopes := []string{"https://www.googleapis.com/auth/cloud-platform"}
	ctx := context.WithValue(t.Context(), oauth2.HTTPClient, s.CA.Client())
	source, err := oauth2account.NewTokenSource(ctx, oauth2account.Config{
		Audience: fakecloud.SandboxProvider, SubjectTokenType: jwt, TokenURL: s.Google.STSURL(), Scopes: scopes,
		ServiceAccountImpersonationURL: s.Google.ImpersonationURL(fakecloud.SandboxAccount), SubjectTokenSupplier: tokens,
	})
	if err != nil {
		t.Fatal(err)
	}
	if status, body := query(t, s, oauth2.NewClient(ctx, source)); status != http.StatusOK {
		t.Error("golang.org/x/oauth2", status, body)
	}
	credentials, err := authaccount.NewCredentials(&authaccount.Options{
		Audience: fakecloud.SandboxProvider, SubjectTokenType: jwt, TokenURL: s.Google.STSURL(), Scopes: scopes, Client: s.CA.Client(),
		ServiceAccountImpersonationURL: s.Google.ImpersonationURL(fakecloud.SandboxAccount), SubjectTokenProvider: tokens.Provider(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if status, body := query(t, s, authClient(s, credentials)); status != http.StatusOK {
		t.Error("cloud.google.com/go/auth", status, body)
	}
	if n := len(s.IMDS.Requests()); n != 1 {
		t.Errorf("the metadata service was asked %d times", n)
	}
}

// Without a service account the pool's principal has the roles itself.
func TestThePoolsPrincipal(t *testing.T) {
	s := sandbox(t)
	t.Setenv("AZURE_CLIENT_ID", "")
	pool, _, _ := strings.Cut(fakecloud.SandboxProvider, "/providers/")
	principal := "principal:" + pool + "/subject/" + fakecloud.SandboxSystemOID
	s.Google.GrantBigQuery(principal, fakecloud.SandboxProject)
	o := googleOptions(s)
	o.ServiceAccount, o.ServiceAccountImpersonationURL = "", ""
	credentials, err := NewGoogleCredentials(fakecloud.SandboxProvider, &o)
	if err != nil {
		t.Fatal(err)
	}
	if status, body := query(t, s, authClient(s, credentials)); status != http.StatusOK {
		t.Error(status, body)
	}
	if served := s.Google.Served(); len(served) == 0 || served[len(served)-1] != principal {
		t.Error(served)
	}
}

func TestWhatGoogleRefusesSaysWhatToDo(t *testing.T) {
	for name, c := range map[string]struct {
		change              func(*fakecloud.Sandbox, *GoogleCredentialsOptions)
		code, message, runs string
	}{
		"the provider does not take the audience": {func(s *fakecloud.Sandbox, _ *GoogleCredentialsOptions) {
			s.Google.ChangeProvider(fakecloud.SandboxProvider, func(p *fakecloud.OIDCProvider) { p.AllowedAudiences = []string{"api://another"} })
		}, "invalid_grant", "exchanging the token at ", "--allowed-audiences=" + fakecloud.SandboxResource},
		"nobody may act as the account": {func(s *fakecloud.Sandbox, _ *GoogleCredentialsOptions) {
			pool, _, _ := strings.Cut(fakecloud.SandboxProvider, "/providers/")
			s.Google.Unbind("principal:"+pool+"/subject/"+fakecloud.SandboxSystemOID, fakecloud.SandboxAccount)
		}, "PERMISSION_DENIED", "acting as " + fakecloud.SandboxAccount, fakecloud.SandboxSystemOID},
		"the machine has no identity": {func(s *fakecloud.Sandbox, _ *GoogleCredentialsOptions) { s.IMDS.Only("nobody") }, "invalid_request", "Identity not found", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := sandbox(t)
			t.Setenv("AZURE_CLIENT_ID", "")
			o := googleOptions(s)
			c.change(s, &o)
			credentials, err := NewGoogleCredentials(fakecloud.SandboxProvider, &o)
			if err != nil {
				t.Fatal(err)
			}
			_, err = credentials.Token(t.Context())
			e := failure(t, err)
			if e.Code != c.code || !strings.Contains(e.Message, c.message) || !strings.Contains(strings.Join(e.Commands, "\n"), c.runs) || e.Remedy == "" && len(e.Commands) == 0 {
				t.Errorf("%#v\n%s", e, e)
			}
			if strings.Contains(e.Error(), "eyJ") || len(flags(e.Message+e.Remedy)) > 0 {
				t.Error(e)
			}
		})
	}
}

func TestAPassingFaultOfTheTokenServiceIsNone(t *testing.T) {
	s := sandbox(t)
	t.Setenv("AZURE_CLIENT_ID", "")
	s.Google.STS.Answer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.Google.STS.Answer(nil)
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	o := googleOptions(s)
	credentials, err := NewGoogleCredentials(fakecloud.SandboxProvider, &o)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := credentials.Token(t.Context()); err != nil || got.Value == "" {
		t.Error(err)
	}
}

func TestASubjectTokenIsCarriedNowhereElse(t *testing.T) {
	s := sandbox(t)
	t.Setenv("AZURE_CLIENT_ID", "")
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") }))
	defer elsewhere.Close()
	s.Google.STS.Answer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	o := googleOptions(s)
	o.HTTPClient.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	credentials, err := NewGoogleCredentials(fakecloud.SandboxProvider, &o)
	if err != nil {
		t.Fatal(err)
	}
	_, err = credentials.Token(t.Context())
	_ = failure(t, err)
}

func TestACallThatTakesTooLong(t *testing.T) {
	s := sandbox(t)
	s.Entra.Answer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	c := newAzure(t, s, AzureCredentialOptions{ClientOptions: ClientOptions{Timeout: 100 * time.Millisecond}})
	_, err := c.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{storage}})
	if e := failure(t, err); e.Code != "deadline_exceeded" || len(flags(e.Error())) > 0 || !strings.Contains(e.Remedy, "with Logger, or give it longer with Timeout") {
		t.Errorf("%#v", e)
	}
}

func TestWhatCannotBeUsedForGoogle(t *testing.T) {
	s := sandbox(t)
	whole := googleOptions(s)
	with := func(change func(*GoogleCredentialsOptions)) GoogleCredentialsOptions {
		o := whole
		change(&o)
		return o
	}
	for field, o := range map[string]GoogleCredentialsOptions{
		"ServiceAccount": with(func(o *GoogleCredentialsOptions) { o.ServiceAccount = "reader" }),
		"TokenLifetime":  with(func(o *GoogleCredentialsOptions) { o.TokenLifetime = time.Minute }),
		"UniverseDomain": with(func(o *GoogleCredentialsOptions) { o.UniverseDomain = "https://googleapis.com" }),
		"TokenURL":       with(func(o *GoogleCredentialsOptions) { o.TokenURL = "http://sts.googleapis.com/v1/token" }),
		"Identity":       with(func(o *GoogleCredentialsOptions) { o.Identity = "laptop" }),
		"Resource":       with(func(o *GoogleCredentialsOptions) { o.Resource = "my app" }),
		"ObjectID":       with(func(o *GoogleCredentialsOptions) { o.Identity, o.ObjectID = "azure-cli", fakecloud.SandboxUserOID }),
	} {
		_, err := NewGoogleCredentials(fakecloud.SandboxProvider, &o)
		if e := failure(t, err); e.Code != "bad_input" || !strings.Contains(e.Error(), field) || len(flags(e.Error())) > 0 {
			t.Errorf("%s: %v", field, e)
		}
	}
	_, err := NewGoogleCredentials("projects/my-project/pool", nil)
	if e := failure(t, err); e.Code != "bad_input" || !strings.HasPrefix(e.Message, "audience: ") {
		t.Error(e)
	}
}

// own is a credential of the program's own, whose tokens live for an hour by the clock.
type own struct {
	clock *clock
	ask   func(context.Context) error

	mu    sync.Mutex
	asked int
}

func (o *own) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	o.mu.Lock()
	o.asked++
	n := o.asked
	o.mu.Unlock()
	if o.ask != nil {
		if err := o.ask(ctx); err != nil {
			return azcore.AccessToken{}, err
		}
	}
	return azcore.AccessToken{Token: options.Scopes[0] + strings.Repeat("+", n), ExpiresOn: o.clock.now().Add(time.Hour)}, nil
}

func (o *own) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.asked
}

func supplied(t *testing.T, c *own) func() (string, error) {
	t.Helper()
	tokens, err := NewSubjectTokens(&SubjectTokensOptions{ClientOptions: ClientOptions{now: c.clock.now}, Credential: c, Resource: "api://app"})
	if err != nil {
		t.Fatal(err)
	}
	return func() (string, error) { return tokens.SubjectToken(t.Context(), oauth2account.SupplierOptions{}) }
}

func TestATokenIsRenewedBehindItsCallers(t *testing.T) {
	renewing, renewed := make(chan struct{}, 8), make(chan struct{})
	c := &own{clock: noon()}
	ask := supplied(t, c)
	expect := func(want string) {
		t.Helper()
		if got, err := ask(); got != want || err != nil {
			t.Fatalf("%q %v, want %q", got, err, want)
		}
	}
	expect("api://app/.default+")
	c.clock.advance(49 * time.Minute)
	expect("api://app/.default+")
	if c.count() != 1 {
		t.Fatal("asked", c.count())
	}
	c.ask = func(context.Context) error {
		renewing <- struct{}{}
		<-renewed
		return nil
	}
	c.clock.advance(2 * time.Minute)
	for range 10 {
		expect("api://app/.default+")
	}
	<-renewing
	// With the old token at an end a caller waits for the new one, whoever asked for it.
	c.clock.advance(8 * time.Minute)
	close(renewed)
	expect("api://app/.default++")
	if c.count() != 2 {
		t.Error("asked", c.count())
	}
}

func TestARenewalThatFails(t *testing.T) {
	down := errors.New("the endpoint is down")
	c := &own{clock: noon()}
	ask := supplied(t, c)
	if _, err := ask(); err != nil {
		t.Fatal(err)
	}
	tried := make(chan struct{}, 100)
	c.ask = func(context.Context) error { tried <- struct{}{}; return down }
	c.clock.advance(55 * time.Minute)
	if got, err := ask(); got != "api://app/.default+" || err != nil {
		t.Errorf("with five minutes left: %q %v", got, err)
	}
	<-tried
	c.clock.advance(4 * time.Minute)
	_, err := ask()
	if e := failure(t, err); !errors.Is(e, down) || !strings.Contains(e.Message, "the endpoint is down") {
		t.Errorf("with one minute left: %v", err)
	}
	n := c.count()
	if _, err := ask(); !errors.Is(err, down) || c.count() != n {
		t.Errorf("a moment later: %v, asked %d times", err, c.count()-n)
	}
	c.ask = nil
	c.clock.advance(failureMemory)
	if got, err := ask(); err != nil || got == "api://app/.default+" {
		t.Errorf("when it is up again: %q %v", got, err)
	}
}

func TestAPanicOfACredentialIsAnError(t *testing.T) {
	c := &own{clock: noon(), ask: func(context.Context) error { panic("eyJhbGciOiJub25lIn0.e30.secret") }}
	_, err := supplied(t, c)()
	if e := failure(t, err); e.Code != "unexpected" || strings.Contains(e.Error(), "eyJ") {
		t.Error(e)
	}
}

func TestATokenOfAnotherTenantIsNotKept(t *testing.T) {
	m := ClientOptions{}.memory()
	wanted := token.Wanted{
		Request: token.Request{Check: func(token.Secret) error { return errors.New("of another tenant") }},
		Mint: func(context.Context) (token.Token, error) {
			return token.Token{Value: token.NewSecret("x"), ExpiresOn: time.Now().Add(time.Hour)}, nil
		},
	}
	if _, err := m.get(t.Context(), "key", "", wanted); err != nil {
		t.Error(err)
	}
	if _, ok := m.fresh([]byte("key")); ok {
		t.Error("it was")
	}
}
