package google

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

const (
	audience = "api://AzureADTokenExchange"
	runner   = "runner@sample-project.iam.gserviceaccount.com"
	runnerID = "115000000000000000001"
	deployer = "deployer@sample-project.iam.gserviceaccount.com"
	middle   = "middle@sample-project.iam.gserviceaccount.com"
)

// world is a Google cloud on loopback and a machine without any settings.
type world struct {
	t       *testing.T
	ca      *fakecloud.CA
	cloud   *fakecloud.Google
	env     map[string]string
	ahead   atomic.Int64
	started time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	// x/oauth2 dates its assertions by the system's clock, so the cloud starts there and is moved by hand.
	w := &world{t: t, env: map[string]string{"HOME": t.TempDir(), "APPDATA": t.TempDir()}, started: time.Now().Truncate(time.Second)}
	var err error
	if w.ca, err = fakecloud.NewCA(); err != nil {
		t.Fatal(err)
	}
	if w.cloud, err = fakecloud.StartGoogle(w.ca, w.now); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.cloud.Close)
	for email, id := range map[string]string{runner: runnerID, deployer: "115000000000000000002", middle: "115000000000000000003"} {
		w.cloud.AddServiceAccount(fakecloud.ServiceAccount{Email: email, UniqueID: id, ProjectID: "sample-project"})
	}
	w.env["GCE_METADATA_HOST"] = w.cloud.MetadataHost()
	w.env[iamEndpointVariable] = w.cloud.IAM.URL
	t.Setenv("GCE_METADATA_HOST", w.cloud.MetadataHost())
	return w
}

func (w *world) now() time.Time { return w.started.Add(time.Duration(w.ahead.Load())) }

func (w *world) settings(source string) Settings {
	return Settings{
		Source: source, Audience: audience, HTTP: w.ca.Client(), Now: w.now,
		Lookup: func(name string) (string, bool) { v, ok := w.env[name]; return v, ok },
	}
}

func (w *world) instance(account string, change ...func(*fakecloud.GoogleInstance)) {
	i := fakecloud.GoogleInstance{
		ServiceAccount: account, ID: 4211, Name: "vm", Zone: "europe-west4-a", ProjectID: "sample-project", ProjectNumber: 42, Created: w.started,
	}
	for _, c := range change {
		c(&i)
	}
	w.cloud.SetInstance(i)
}

func (w *world) write(name string, content []byte) string {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

func (w *world) key(email string) string {
	w.t.Helper()
	data, err := w.cloud.NewKeyFile(email)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.write("key.json", data)
}

// take makes an identity and asks it for a token, whose claims it returns.
func (w *world) take(s Settings) (*Identity, token.Token, token.Claims, error) {
	w.t.Helper()
	i, err := New(s)
	if err != nil {
		return nil, token.Token{}, token.Claims{}, err
	}
	got, err := i.Token(context.Background())
	if err != nil {
		return i, got, token.Claims{}, err
	}
	claims, err := token.ReadClaims(got.Value.Reveal())
	if err != nil {
		w.t.Fatal(err)
	}
	return i, got, claims, nil
}

// takeFor fails the test unless the token is account's and name the source.
func (w *world) takeFor(s Settings, name, account string) *Identity {
	w.t.Helper()
	i, got, claims, err := w.take(s)
	if err != nil {
		w.t.Fatalf("%v", err)
	}
	if i.Name() != name || claims.Email != account || claims.Issuer != fakecloud.GoogleIssuer || !slices.Equal(claims.Audience, []string{audience}) || !got.ExpiresOn.Equal(claims.Expiry) {
		w.t.Fatalf("from %s: %+v, expires %s", i.Name(), claims, got.ExpiresOn)
	}
	return i
}

// refused fails the test unless err is a problem with that code and those words, in its message or hint, and shows no
// credential.
func refused(t *testing.T, err error, code string, words ...string) {
	t.Helper()
	var p *problem.Error
	if !errors.As(err, &p) {
		t.Fatalf("not a problem: %v", err)
	}
	if p.Code != code {
		t.Errorf("code %s: %s", p.Code, p.Error())
	}
	for _, word := range words {
		if !strings.Contains(p.Error(), word) {
			t.Errorf("%q is not in: %s", word, p.Error())
		}
	}
	for _, secret := range []string{"ya29.", "eyJ", "PRIVATE KEY", "1//refresh"} {
		if strings.Contains(p.Error(), secret) {
			t.Errorf("shows a credential: %s", p.Error())
		}
	}
	if strings.Contains(p.Error(), "\n") {
		t.Errorf("more than a line: %q", p.Error())
	}
}

func input(i *Identity, name string) string {
	for _, in := range i.Inputs() {
		if in.Name == name {
			return in.Value
		}
	}
	return ""
}

func mustJSON(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}

func answer(status int, contentType, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Metadata-Flavor", "Google")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
}

func TestSettingsThatCannotBeUsed(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		change func(*Settings)
		words  []string
	}{
		"unknown source":       {func(s *Settings) { s.Source = "vm" }, []string{"--google-source", `"vm"`, "token-file"}},
		"no audience":          {func(s *Settings) { s.Audience = "" }, []string{"audience"}},
		"not an account":       {func(s *Settings) { s.ServiceAccount = "runner" }, []string{`"runner"`, "gcloud iam service-accounts list"}},
		"gap in the chain":     {func(s *Settings) { s.ServiceAccount = middle + ",," + runner }, []string{`""`}},
		"path in the account":  {func(s *Settings) { s.ServiceAccount = "a@b/../c@d" }, []string{"not a service account"}},
		"chain for metadata":   {func(s *Settings) { s.Source, s.ServiceAccount = "metadata", middle+","+runner }, []string{"--google-source impersonation"}},
		"no key file":          {func(s *Settings) { s.Source = "key-file" }, []string{"--google-credentials"}},
		"no token file":        {func(s *Settings) { s.Source = "token-file" }, []string{"--federated-token-file"}},
		"nobody to act as":     {func(s *Settings) { s.Source = "impersonation" }, []string{"--impersonate-service-account EMAIL"}},
		"file that is missing": {func(s *Settings) { s.KeyFile = "/nowhere/key.json" }, []string{"--google-credentials (/nowhere/key.json)", "no such file"}},
		"token file and target": {func(s *Settings) { s.TokenFile, s.ServiceAccount = "/nowhere/token", runner },
			[]string{"--google-source impersonation", "--google-source token-file"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := w.settings("")
			c.change(&s)
			_, err := New(s)
			refused(t, err, problem.BadInput, c.words...)
			if !problem.From(err).Misuse {
				t.Error("not marked as misuse")
			}
		})
	}
	if !slices.Equal(Names(), []string{"auto", "metadata", "key-file", "impersonation", "token-file", "gcloud"}) {
		t.Error(Names())
	}
}

func TestAutoFollowsTheOrderOfApplicationDefaultCredentials(t *testing.T) {
	w := newWorld(t)
	w.instance(runner)
	s := w.settings("auto")
	w.takeFor(s, "metadata", runner)

	wellKnown := filepath.Join(w.env["HOME"], ".config", "gcloud")
	w.env["CLOUDSDK_CONFIG"] = wellKnown
	if err := os.MkdirAll(wellKnown, 0o700); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(w.key(deployer))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(wellKnown, "application_default_credentials.json"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	w.takeFor(s, "key-file", deployer)

	w.env[credentialsVariable] = w.key(middle)
	w.takeFor(s, "key-file", middle)

	s.KeyFile = w.key(runner)
	w.takeFor(s, "key-file", runner)

	raw, err := w.cloud.IDToken(deployer, audience)
	if err != nil {
		t.Fatal(err)
	}
	s.TokenFile = w.write("token", []byte(raw))
	w.takeFor(s, "token-file", deployer)
}

func TestAHomeThatIsNoneHasNoCredentials(t *testing.T) {
	w := newWorld(t)
	w.instance(runner)
	s := w.settings("auto")
	for _, home := range []string{"/dev/null", filepath.Join(w.env["HOME"], "gone"), ""} {
		w.env["HOME"], w.env["APPDATA"] = home, home
		w.takeFor(s, "metadata", runner)
	}
}

func TestWhatIsConfiguredIsNotProbedFor(t *testing.T) {
	w := newWorld(t)
	w.instance(runner)
	s := w.settings("auto")
	s.KeyFile = w.key(deployer)
	w.takeFor(s, "key-file", deployer)
	if asked := w.cloud.Metadata.Requests(); len(asked) != 0 {
		t.Errorf("metadata server asked: %+v", asked)
	}
	if asked := w.cloud.Token.Requests(); len(asked) != 1 {
		t.Errorf("%d token requests", len(asked))
	}
	w.takeFor(w.settings("metadata"), "metadata", runner)
	if asked := w.cloud.Metadata.Requests(); len(asked) != 1 || !strings.HasSuffix(asked[0].Path, "/service-accounts/default/identity") {
		t.Errorf("metadata server asked: %+v", asked)
	}
}

func TestNoIdentityAnywhere(t *testing.T) {
	w := newWorld(t)
	w.cloud.Metadata.Answer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }))
	_, _, _, err := w.take(w.settings("auto"))
	refused(t, err, problem.NoIdentity, "GOOGLE_APPLICATION_CREDENTIALS is not set", "application_default_credentials.json", w.cloud.MetadataHost(),
		"gcloud auth application-default login", "--impersonate-service-account EMAIL")
}

func TestInputsTellIdentitiesApart(t *testing.T) {
	w := newWorld(t)
	seen := map[string]string{}
	add := func(name string, s Settings) {
		t.Helper()
		i, err := New(s)
		if err != nil {
			t.Fatal(name, err)
		}
		key := ""
		for _, in := range i.Inputs() {
			key += in.Name + "=" + in.Value + "\n"
			if strings.Contains(in.Value, "PRIVATE KEY") || strings.Contains(in.Value, "1//refresh") || strings.Contains(in.Value, "eyJ") {
				t.Errorf("%s: an input shows a credential", name)
			}
		}
		if other, ok := seen[key]; ok {
			t.Errorf("%s and %s have the same inputs:\n%s", name, other, key)
		}
		seen[key] = name
	}
	s := w.settings("metadata")
	add("metadata", s)
	other := s
	other.Audience = "api://other"
	add("another audience", other)
	other = s
	other.ServiceAccount = runner
	add("another account", other)
	w.env["GCE_METADATA_HOST"] = "127.0.0.1:1"
	add("another metadata server", s)

	s = w.settings("auto")
	s.KeyFile = w.key(runner)
	add("key", s)
	s.KeyFile = w.key(runner)
	add("another key of the same account", s)
	s.ServiceAccount = deployer
	add("impersonation", s)
	s.ServiceAccount = middle + "," + deployer
	add("with a delegate", s)

	for _, refresh := range []string{"1//refresh-a", "1//refresh-b"} {
		data, err := w.cloud.AddUser(fakecloud.GoogleUser{Email: "me@example.com", Subject: "1", ClientID: "c", ClientSecret: "s", RefreshToken: refresh})
		if err != nil {
			t.Fatal(err)
		}
		s = w.settings("impersonation")
		s.KeyFile, s.ServiceAccount = w.write("adc.json", data), deployer
		add(refresh, s)
	}
	for _, account := range []string{runner, deployer} {
		raw, err := w.cloud.IDToken(account, audience)
		if err != nil {
			t.Fatal(err)
		}
		s = w.settings("token-file")
		s.TokenFile = filepath.Join(w.env["HOME"], "token")
		if err := os.WriteFile(s.TokenFile, []byte(raw), 0o600); err != nil {
			t.Fatal(err)
		}
		add("token of "+account, s)
	}
	s = w.settings("gcloud")
	add("gcloud", s)
	w.env["CLOUDSDK_CORE_ACCOUNT"] = "a@example.com"
	add("another gcloud account", s)
	w.env["CLOUDSDK_ACTIVE_CONFIG_NAME"] = "work"
	add("another gcloud configuration", s)
}
