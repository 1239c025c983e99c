package fakecloud

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// With short lives and no skew a test sees in seconds what takes the real services an hour.
func TestLivesCanBeShort(t *testing.T) {
	clock := &testClock{at: time.Now()}
	s, err := StartSandbox(clock.now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	s.Google.IssueIDTokens(10 * time.Second)
	s.Entra.Issue(10*time.Second, 0)
	s.Entra.AllowSkew(0)
	g := googleTest{s.Google, s.CA, clock, t.Context()}
	identity := func() string {
		path := "/computeMetadata/v1/instance/service-accounts/default/identity?" + url.Values{"audience": {AssertionAudience}}.Encode()
		return g.do(t, http.MethodGet, g.Metadata.URL+path, "", "", "Metadata-Flavor", "Google").body
	}
	exchange := func(assertion string) (int, map[string]any) {
		return post(t, s, SandboxTenant, url.Values{
			"grant_type": {"client_credentials"}, "client_id": {SandboxApp}, "scope": {"https://storage.azure.com/.default"},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {assertion},
			// As azblob announces itself.
			"claims": {`{"access_token":{"xms_cc":{"values":["CP1"]}}}`},
		})
	}
	first := identity()
	if status, answer := exchange(first); status != http.StatusOK || answer["expires_in"] != 10.0 {
		t.Fatalf("%d %v", status, answer)
	}
	clock.advance(11 * time.Second)
	if _, answer := exchange(first); !strings.HasPrefix(answer["error_description"].(string), "AADSTS700024: ") {
		t.Errorf("an assertion past its end: %v", answer["error_description"])
	}
	if status, answer := exchange(identity()); status != http.StatusOK {
		t.Errorf("the metadata server's next: %d %v", status, answer["error_description"])
	}
	s.Google.IssueIDTokens(0)
	s.Entra.Issue(0, 0)
	hour := identity()
	if status, answer := exchange(hour); status != http.StatusOK || answer["expires_in"] != continuousLife.Seconds() {
		t.Errorf("the usual again: %d %v", status, answer)
	}
	if clock.advance(time.Minute); identity() != hour {
		t.Error("the metadata server keeps no token of an hour")
	}
}

// A renewal that is asked for early shows in seconds what becomes of one that fails while the token is still good.
func TestARenewalCanBeAskedForAtAnyTime(t *testing.T) {
	s, _ := sandbox(t)
	for _, c := range []struct {
		life, after time.Duration
		says        any
	}{
		{time.Hour, 0, nil}, {24 * time.Hour, 0, 43200.0}, {time.Hour, 10 * time.Second, 10.0},
	} {
		s.Entra.Issue(c.life, 0)
		s.Entra.RenewIn(c.after)
		status, answer := post(t, s, SandboxTenant, withSecret())
		if status != http.StatusOK || answer["refresh_in"] != c.says || answer["expires_in"] != c.life.Seconds() {
			t.Errorf("a life of %s, a renewal after %s: %d, %v, %v", c.life, c.after, status, answer["refresh_in"], answer["expires_in"])
		}
	}
}
