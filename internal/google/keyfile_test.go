package google

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/problem"
)

func TestKeyFile(t *testing.T) {
	w := newWorld(t)
	s := w.settings("key-file")
	w.env[credentialsVariable] = w.key(runner)
	i := w.takeFor(s, "key-file", runner)
	if input(i, "client-email") != runner || input(i, "private-key-id") == "" {
		t.Error(i.Inputs())
	}
	if asked := w.cloud.IAM.Requests(); len(asked) != 0 {
		t.Errorf("IAM Credentials asked: %+v", asked)
	}
	s.ServiceAccount = runner // the key's own
	w.takeFor(s, "key-file", runner)
}

func TestKeyFilesThatCannotBeUsed(t *testing.T) {
	w := newWorld(t)
	whole := map[string]string{}
	data, err := os.ReadFile(w.key(runner))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &whole); err != nil {
		t.Fatal(err)
	}
	without := func(field, value string) string {
		m := maps.Clone(whole)
		if m[field] = value; value == "" {
			delete(m, field)
		}
		return w.write("key.json", mustJSON(m))
	}
	for name, c := range map[string]struct {
		path  string
		words []string
	}{
		"not JSON":          {w.write("key.json", []byte("-----BEGIN PRIVATE KEY-----\nMIIE")), []string{"not JSON"}},
		"empty":             {w.write("key.json", nil), []string{"not JSON"}},
		"an array":          {w.write("key.json", []byte("[]")), []string{"not JSON of a credentials file"}},
		"another type":      {w.write("key.json", mustJSON(map[string]string{"type": "authorized_user", "refresh_token": "1//refresh"})), []string{`"authorized_user"`, `"service_account"`}},
		"unknown type":      {without("type", "gdch_service_account"), []string{`"gdch_service_account"`}},
		"OAuth client":      {w.write("client_secret.json", []byte(`{"installed":{"client_id":"c"}}`)), []string{`"type" is missing`, "client_secret"}},
		"no e-mail":         {without("client_email", ""), []string{`"client_email" is missing`}},
		"no key":            {without("private_key", ""), []string{`"private_key" is missing`, "gcloud iam service-accounts keys create"}},
		"key that is bent":  {without("private_key", strings.ReplaceAll(whole["private_key"], "\n", "")), []string{`"private_key"`, "PEM"}},
		"plain token_uri":   {without("token_uri", "http://oauth2.googleapis.com/token"), []string{`"token_uri"`, "not an https URL"}},
		"e-mail with slash": {without("client_email", "a/b@c"), []string{`"client_email"`}},
	} {
		t.Run(name, func(t *testing.T) {
			s := w.settings("key-file")
			s.KeyFile = c.path
			_, err := New(s)
			refused(t, err, problem.BadInput, append(c.words, "--google-credentials ("+c.path)...)
		})
	}
	if asked := w.cloud.Token.Requests(); len(asked) != 0 {
		t.Errorf("token endpoint asked: %+v", asked)
	}
}

func TestKeyThatWasDeleted(t *testing.T) {
	w := newWorld(t)
	s := w.settings("key-file")
	s.KeyFile = w.key(runner)
	w.cloud.DeleteKeys(runner)
	_, _, _, err := w.take(s)
	refused(t, err, "invalid_grant", "answered 400 invalid_grant: Invalid JWT Signature", "gcloud iam service-accounts keys list --iam-account="+runner)
}

func TestClockThatIsWrong(t *testing.T) {
	w := newWorld(t)
	s := w.settings("key-file")
	s.KeyFile, s.Now = w.key(runner), func() time.Time { return time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC) }
	w.ahead.Store(int64(3 * time.Hour))
	_, _, _, err := w.take(s)
	refused(t, err, "invalid_grant", "reasonable timeframe", "this machine's clock shows 2026-11-23T07:00:00Z")
}

func TestTokenEndpointThatAnswersNonsense(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		handler http.Handler
		code    string
		words   []string
	}{
		"outage":        {answer(503, "text/html", "<html>"), problem.Refused, []string{"answered 503", "text/html, not JSON"}},
		"empty":         {answer(200, "application/json", ""), problem.BadAnswer, []string{runner}},
		"no token":      {answer(200, "application/json", "{}"), problem.BadAnswer, []string{"doesn't have JWT token"}},
		"no expiry":     {answer(200, "application/json", `{"id_token":"e30.e30.c2ln"}`), problem.BadAnswer, []string{"no expiry"}},
		"token in text": {answer(400, "application/json", `{"error":"invalid_request","error_description":"bad eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln"}`), "invalid_request", []string{"bad [redacted]"}},
	} {
		t.Run(name, func(t *testing.T) {
			w.cloud.Token.Answer(c.handler)
			s := w.settings("key-file")
			s.KeyFile = w.key(runner)
			_, _, _, err := w.take(s)
			refused(t, err, c.code, c.words...)
		})
	}
}

// x/oauth2/jwt sends its request without the context.
func TestDeadlineReachesTheTokenEndpoint(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(context.Background())
	w.cloud.Token.Answer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	s := w.settings("key-file")
	s.KeyFile = w.key(runner)
	i, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = i.Token(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestKeyOfAnotherUniverseAsksIAMForItself(t *testing.T) {
	w := newWorld(t)
	m := map[string]string{}
	data, err := os.ReadFile(w.key(runner))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	m["universe_domain"] = "apis.example.goog"
	minted, err := w.cloud.IDToken(runner, audience)
	if err != nil {
		t.Fatal(err)
	}
	// The stand-in knows no self-signed JWTs, so the request is caught where it would leave.
	var host, authorization string
	s := w.settings("auto")
	delete(w.env, iamEndpointVariable)
	s.HTTP = &http.Client{Transport: transportFunc(func(r *http.Request) (*http.Response, error) {
		host, authorization = r.URL.Host, r.Header.Get("Authorization")
		return reply(200, string(mustJSON(map[string]string{"token": minted}))), nil
	})}
	s.KeyFile = w.write("key.json", mustJSON(m))
	w.takeFor(s, "impersonation", runner)
	if host != "iamcredentials.apis.example.goog" || !strings.HasPrefix(authorization, "Bearer eyJ") {
		t.Error(host)
	}
}
