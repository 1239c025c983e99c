package fakecloud

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

const (
	robot       = "robot@acme.iam.gserviceaccount.com"
	robotID     = "113370000000000000042"
	middleman   = "middle@acme.iam.gserviceaccount.com"
	target      = "target@acme.iam.gserviceaccount.com"
	entraAud    = "api://AzureADTokenExchange"
	resource    = "//iam.googleapis.com/projects/123456/locations/global/workloadIdentityPools/azure/providers/entra"
	entraIssuer = "https://sts.windows.net/11111111-1111-1111-1111-111111111111/"
	entraSub    = "22222222-2222-2222-2222-222222222222"
	federated   = "principal://iam.googleapis.com/projects/123456/locations/global/workloadIdentityPools/azure/subject/" + entraSub
)

// testClock is a clock that moves when a test says so.
type testClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *testClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *testClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

type googleTest struct {
	*Google
	ca    *CA
	clock *testClock
	ctx   context.Context
}

// startGoogle starts a Google with three service accounts at a fixed time, or at a given one: x/oauth2 dates its
// assertions by the computer's clock.
func startGoogle(t *testing.T, at ...time.Time) googleTest {
	t.Helper()
	ca, err := NewCA()
	if err != nil {
		t.Fatal(err)
	}
	clock := &testClock{at: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)}
	if len(at) > 0 {
		clock.at = at[0]
	}
	g, err := StartGoogle(ca, clock.now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	g.AddServiceAccount(ServiceAccount{Email: robot, UniqueID: robotID, ProjectID: "acme"})
	g.AddServiceAccount(ServiceAccount{Email: middleman, UniqueID: "113370000000000000043", ProjectID: "acme"})
	g.AddServiceAccount(ServiceAccount{Email: target, UniqueID: "113370000000000000044", ProjectID: "acme"})
	return googleTest{g, ca, clock, context.WithValue(t.Context(), oauth2.HTTPClient, ca.Client())}
}

// entraShaped is an issuer that signs and publishes as Entra does, but under our control.
type entraShaped struct {
	key, other *signingKey
	server     *Server
}

func startEntraShaped(t *testing.T, ca *CA) *entraShaped {
	t.Helper()
	e := &entraShaped{}
	for _, k := range []**signingKey{&e.key, &e.other} {
		made, err := newSigningKey()
		if err != nil {
			t.Fatal(err)
		}
		*k = made
	}
	server, err := listen(ca, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, e.key.jwks())
	}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	e.server = server
	return e
}

// claims are those of a v1 access token of a managed identity.
func (e *entraShaped) claims(now time.Time) map[string]any {
	return map[string]any{
		"aud": "api://idferry", "iss": entraIssuer, "sub": entraSub, "oid": entraSub,
		"tid": "11111111-1111-1111-1111-111111111111", "ver": "1.0",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(24 * time.Hour).Unix(),
	}
}

func signed(t *testing.T, key *signingKey, claims map[string]any) string {
	t.Helper()
	token, err := key.sign(claims)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// answer is a response with its body read.
type answer struct {
	status int
	header http.Header
	body   string
}

// at returns a string inside a JSON body: at("error", "status").
func (a answer) at(t *testing.T, path ...string) string {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(a.body), &value); err != nil {
		t.Fatalf("not JSON: %v\n%s", err, a.body)
	}
	for _, name := range path {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	s, _ := value.(string)
	return s
}

func (g googleTest) do(t *testing.T, method, url, contentType, body string, header ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	client := g.ca.Client()
	defer client.CloseIdleConnections()
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(data)}
}

func (g googleTest) form(t *testing.T, url string, form url.Values, header ...string) answer {
	t.Helper()
	return g.do(t, http.MethodPost, url, "application/x-www-form-urlencoded", form.Encode(), header...)
}

func (g googleTest) json(t *testing.T, url, token string, body any) answer {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return g.do(t, http.MethodPost, url, "application/json", string(data), "Authorization", "Bearer "+token)
}

func writeFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func wantError(t *testing.T, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, text := range texts {
		// x/oauth2 shows the body as it came, in which JSON escapes what HTML would read.
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error does not say %q:\n%v", text, err)
		}
	}
}
