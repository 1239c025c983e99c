package google

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/fuzzing"
	"github.com/idferry/idferry/internal/token"
)

// grantedToken is what Google answers a grant with: an ID token that says when it ends.
const grantedToken = "eyJhbGciOiJub25lIn0.eyJleHAiOjQxMDI0NDQ4MDB9.c2ln"

func newKey(f *testing.F) string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		f.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		f.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// lonely are settings of a machine with nothing on it, in a network on which everybody says the same.
func lonely(a fuzzing.Answer) Settings {
	return Settings{
		Audience: audience, HTTP: fuzzing.Client(func(*http.Request) fuzzing.Answer { return a }), Now: time.Now,
		Lookup: func(string) (string, bool) { return "", false },
	}
}

// Whatever is in a file of credentials, it is refused in our words, or becomes a source that asks somebody; whoever answers whatever.
func FuzzCredentialsFile(f *testing.F) {
	for _, file := range credentialsFiles(f, newKey(f)) {
		f.Add(file, "", 200, `{"access_token":"t","id_token":"`+grantedToken+`","token":"`+grantedToken+`","expires_in":3599,"token_type":"Bearer"}`)
		f.Add(file, "d@e,sa@p.iam.gserviceaccount.com", 400, `{"error":"invalid_grant","error_description":"\u001b[2J"}`)
	}
	judge := fuzzing.NewJudge()
	f.Fuzz(func(t *testing.T, raw []byte, chained string, status int, body string) {
		s := lonely(fuzzing.Answer{Status: status, ContentType: "application/json", Body: body})
		file, err := parseCredentials("FILE", raw)
		if err != nil {
			judge.Refused(t, err)
			if text := strings.TrimSpace(string(raw)); !json.Valid(raw) && len(text) > 12 && strings.Contains(err.Error(), text[:12]) {
				t.Errorf("what is no JSON is quoted: %q", err)
			}
			return
		}
		if runsOrReads(raw) {
			t.Skip("it names a program, a file or AWS, of which there are none here")
		}
		for _, in := range file.inputs() {
			if file.PrivateKey != "" && len(file.PrivateKey) > 40 && strings.Contains(in.Value, file.PrivateKey) || len(file.RefreshToken) > 40 && strings.Contains(in.Value, file.RefreshToken) {
				t.Errorf("%s has a secret", in.Name)
			}
		}
		chain, err := parseChain(chained)
		if err != nil {
			judge.Refused(t, err)
			return
		}
		name, source, err := s.fromFile(file, chain)
		if err != nil {
			judge.Refused(t, err)
			return
		}
		if name != "key-file" && name != "impersonation" {
			t.Errorf("%q", name)
		}
		ctx, cancel := context.WithTimeout(t.Context(), fuzzing.Hurry)
		defer cancel()
		if value, err := source.idToken(ctx); err != nil {
			judge.Refused(t, wrapped(err))
		} else if value.Empty() {
			t.Error("an empty token")
		}
	})
}

func credentialsFiles(f *testing.F, key string) [][]byte {
	var all [][]byte
	paths, err := filepath.Glob(filepath.Join("..", "..", "testdata", "external-account", "*.json"))
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, data)
	}
	whole := map[string]any{
		"type": "service_account", "project_id": "p", "private_key_id": "id", "private_key": key, "client_email": runner, "client_id": "1",
		"auth_uri": "https://accounts.google.com/o/oauth2/auth", "token_uri": "https://oauth2.googleapis.com/token", "universe_domain": "googleapis.com",
	}
	other := map[string]any{"type": "service_account", "private_key_id": "id", "private_key": key, "client_email": runner, "universe_domain": "example.com"}
	user := map[string]any{"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "1//r", "quota_project_id": "q", "account": "a@b"}
	external := map[string]any{
		"type": "external_account", "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q", "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": "https://sts.googleapis.com/v1/token",
		"credential_source": map[string]any{"url": "https://example.com/token", "headers": map[string]string{"a": "b"}, "format": map[string]string{"type": "json", "subject_token_field_name": "access_token"}},
	}
	for _, v := range []any{
		whole, other, user, external, map[string]any{"type": "impersonated_service_account", "source_credentials": user, "delegates": []string{"d@e"}, "service_account_impersonation_url": "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/" + runner + ":generateAccessToken"},
		map[string]any{"type": "impersonated_service_account", "source_credentials": map[string]any{"type": "impersonated_service_account"}, "service_account_impersonation_url": "https://x/serviceAccounts/a@b:"},
		map[string]any{"type": "external_account_authorized_user", "audience": "//iam.googleapis.com/locations/global/workforcePools/p/providers/q", "refresh_token": "r", "token_url": "https://sts.googleapis.com/v1/oauthtoken", "client_id": "c", "client_secret": "s"},
		map[string]any{"type": "service_account", "client_email": "a@b\x1b[2J", "private_key": "-----BEGIN RSA PRIVATE KEY-----\nAA==\n-----END RSA PRIVATE KEY-----\n"}, map[string]any{"type": "\u202e"}, map[string]any{"type": "authorized_user", "token_uri": "http://x"}, nil, []int{1},
	} {
		data, err := json.Marshal(v)
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, data)
	}
	return append(all, nil, []byte("{"), []byte(key), []byte(`{"type":"service_account","type":"authorized_user","refresh_token":1}`))
}

// runsOrReads reports whether a file has a source of subject tokens that is beyond the process.
func runsOrReads(raw []byte) bool {
	text := strings.ToLower(string(raw))
	for _, word := range []string{"executable", "file", "environment_id", "certificate", "\\u"} {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

// wrapped is an error as Identity.Token hands it out.
func wrapped(err error) error {
	_, err = (&Identity{source: failing{err}}).Token(context.Background())
	return err
}

type failing struct{ err error }

func (f failing) idToken(context.Context) (token.Secret, error) { return token.Secret{}, f.err }
func (failing) inputs() []token.Input                           { return nil }

// However a file of each type is damaged, and whatever is answered to whom it describes, its secrets are in no error.
func FuzzCredentialsFields(f *testing.F) {
	key := newKey(f)
	for _, kind := range []string{"service_account", "authorized_user", "external_account", "impersonated_service_account", "external_account_authorized_user", "", "\x1b[2J"} {
		f.Add(kind, runner, "id", "https://oauth2.googleapis.com/token", "googleapis.com", "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q", "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/"+runner+":generateAccessToken", 200, `{"access_token":"t","id_token":"`+grantedToken+`","token":"`+grantedToken+`"}`)
		f.Add(kind, "a@b", "", "", "", "", "", 500, "<html>")
		f.Add(kind, runner, "", "https://u:p@x", "exa mple", "\u202e", "https://x/serviceAccounts/:", 400, `{"error":"invalid_grant","error_description":"Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."}`)
	}
	judge := fuzzing.NewJudge()
	f.Fuzz(func(t *testing.T, kind, email, id, tokenURL, universe, audience, impersonation string, status int, body string) {
		fields := map[string]any{
			"type": kind, "client_email": email, "private_key_id": id, "private_key": key + fuzzing.Canary, "client_id": "c", "client_secret": fuzzing.Canary, "refresh_token": fuzzing.Canary,
			"token_uri": tokenURL, "token_url": tokenURL, "universe_domain": universe, "audience": audience, "service_account_impersonation_url": impersonation, "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
			"credential_source": map[string]any{"url": "https://example.com/token", "headers": map[string]string{"Authorization": fuzzing.Canary}},
		}
		if kind == "impersonated_service_account" {
			fields["source_credentials"] = map[string]any{"type": "authorized_user", "client_id": "c", "client_secret": fuzzing.Canary, "refresh_token": fuzzing.Canary}
		}
		for _, secret := range []string{key, fuzzing.Canary, key[:len(key)/2] + fuzzing.Canary} {
			fields["private_key"] = secret
			raw, err := json.Marshal(fields)
			if err != nil {
				t.Fatal(err)
			}
			refused := func(err error) {
				t.Helper()
				judge.Refused(t, err)
				if said := err.Error(); strings.Contains(said, fuzzing.Canary) || strings.Contains(said, "PRIVATE KEY") {
					t.Errorf("a secret is told: %q", said)
				}
			}
			file, err := parseCredentials("FILE", raw)
			if err != nil {
				refused(err)
				continue
			}
			for _, in := range file.inputs() {
				if strings.Contains(in.Value, fuzzing.Canary) {
					t.Errorf("%s has a secret", in.Name)
				}
			}
			_, source, err := lonely(fuzzing.Answer{Status: status, ContentType: "application/json", Body: body}).fromFile(file, chain{})
			if err != nil {
				refused(err)
				continue
			}
			ctx, cancel := context.WithTimeout(t.Context(), fuzzing.Hurry)
			if _, err := source.idToken(ctx); err != nil {
				refused(wrapped(err))
			}
			cancel()
		}
	})
}

// Whatever the metadata server and IAM Credentials answer, to each question its own: a token, or a refusal in our words.
func FuzzMetadataAnswers(f *testing.F) {
	for _, flavor := range []string{"Google", "", "Azure"} {
		f.Add(flavor, 200, grantedToken, 200, runner, 200, `{"access_token":"a","expires_in":3599,"token_type":"Bearer"}`, 200, `{"token":"`+grantedToken+`"}`)
		f.Add(flavor, 404, "", 200, runner+"\n", 200, `{"access_token":"a"}`, 403, `{"error":{"code":403,"status":"PERMISSION_DENIED","message":"Permission 'iam.serviceAccounts.getOpenIdToken' denied on resource (or it may not exist)."}}`)
		f.Add(flavor, 404, "", 404, "", 404, "", 200, "{}")
		f.Add(flavor, 404, "", 200, "p.svc.id.goog\x1b[2J", 200, "{}", 200, "")
		f.Add(flavor, 404, "", 200, "a/../@b\n%\u202e", 200, `{"access_token":1}`, 200, `{"token":""}`)
		f.Add(flavor, 403, "<html>", 403, "\x1b[2J", 500, "x", 429, "[]")
		f.Add(flavor, 200, "e30.e30.e30", 301, "", 404, "", 404, "")
	}
	judge := fuzzing.NewJudge()
	f.Fuzz(func(t *testing.T, flavor string, identityStatus int, identity string, emailStatus int, email string, tokenStatus int, access string, iamStatus int, iam string) {
		server := fuzzing.Client(func(r *http.Request) fuzzing.Answer {
			a := fuzzing.Answer{Status: iamStatus, ContentType: "application/json", Body: iam}
			switch path := r.URL.Path; {
			case strings.HasSuffix(path, "/identity"):
				a = fuzzing.Answer{Status: identityStatus, Body: identity}
			case strings.HasSuffix(path, "/email"):
				a = fuzzing.Answer{Status: emailStatus, Body: email}
			case strings.HasSuffix(path, "/token"):
				a = fuzzing.Answer{Status: tokenStatus, Body: access}
			case strings.Contains(path, "/computeMetadata/"):
				a = fuzzing.Answer{Status: emailStatus, Body: email}
			}
			a.Header = map[string]string{"Metadata-Flavor": flavor}
			return a
		})
		for _, source := range []string{"metadata", "auto", "impersonation"} {
			s := Settings{Source: source, Audience: audience, HTTP: server, Now: time.Now}
			if source == "impersonation" {
				s.ServiceAccount = deployer
			}
			i, err := New(s)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), fuzzing.Hurry)
			got, err := i.Token(ctx)
			cancel()
			switch {
			case err != nil:
				judge.Answered(t, err)
			case got.Value.Empty() || got.ExpiresOn.IsZero():
				t.Errorf("a token that ends at %s", got.ExpiresOn)
			case flavor != "Google" && source != "impersonation":
				t.Errorf("a token of a server of the flavor %q", flavor)
			}
		}
	})
}

// A token file holds a token and nothing else, or is refused without a byte of it.
func FuzzTokenFile(f *testing.F) {
	for _, text := range []string{grantedToken, grantedToken + "\r\n", "", " \n", "\xef\xbb\xbf" + grantedToken, `"` + grantedToken + `"`, `{"token":"` + grantedToken + `"}`, fuzzing.Token, "ya29.x", "e30.eyJleHAiOjF9.e30", grantedToken + "\x00"} {
		f.Add([]byte(text))
	}
	judge := fuzzing.NewJudge()
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		i, err := New(Settings{Source: "token-file", Audience: audience, TokenFile: path, Now: time.Now})
		var got token.Token
		if err == nil {
			got, err = i.Token(t.Context())
		}
		if err != nil {
			judge.Refused(t, err)
			if text := strings.TrimSpace(string(content)); len(text) > 40 && strings.Contains(err.Error(), text) {
				t.Errorf("the file is quoted: %q", err)
			}
			return
		}
		if got.Value.Reveal() != strings.TrimSpace(string(content)) || strings.ContainsAny(got.Value.Reveal(), "\r\n") {
			t.Errorf("%q of %q", got.Value.Reveal(), content)
		}
	})
}

// Whatever is in gcloud's configuration, a property is a line of its section.
func FuzzGcloudProperties(f *testing.F) {
	for _, text := range []string{"[core]\naccount = a@b\nproject=p\n[auth]\nimpersonate_service_account = x\n", "[core\naccount=a", "account=a", "[core]\r\naccount\t=\t a \r\n", "[core]\naccount=\naccount=b", "[ core ]\naccount=a", strings.Repeat("x", 70_000) + "\n[core]\naccount=a", "\xff[core]"} {
		f.Add([]byte(text), "core", "account")
	}
	f.Fuzz(func(t *testing.T, file []byte, section, key string) {
		value := property(file, section, key)
		if value != strings.TrimSpace(value) || strings.Contains(value, "\n") || !strings.Contains(string(file), value) {
			t.Errorf("%q", value)
		}
		if value != "" && (!strings.Contains(string(file), key) || !strings.Contains(string(file), section)) {
			t.Errorf("%q, and there is no %q in %q", value, key, section)
		}
	})
}
