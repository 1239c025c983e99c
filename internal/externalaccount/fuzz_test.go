package externalaccount

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"

	"github.com/idferry/idferry/internal/fuzzing"
	"github.com/idferry/idferry/internal/problem"
)

// Whatever a file has, Check and Load say what it is, without the secret of the OAuth client that may be in it; and what works in Go
// by our account, Google's library for Go takes too.
func FuzzFile(f *testing.F) {
	paths, err := filepath.Glob(filepath.Join("..", "..", "testdata", "external-account", "*.json"))
	if err != nil || len(paths) == 0 {
		f.Fatal(err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	const whole = `{"type":"external_account","audience":"//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/provider","subject_token_type":"urn:ietf:params:oauth:token-type:jwt","token_url":"https://sts.googleapis.com/v1/token"`
	for _, text := range []string{
		"", "null", "[]", "{}", `{"type":"service_account","private_key":"x"}`, `{"type":1}`, `{"type":"\u001b[2J"}`, whole + "}",
		whole + `,"credential_source":{"file":"/token","format":{"type":"json"}}}`, whole + `,"credential_source":{"url":"http://169.254.169.254/x"}}`, whole + `,"credential_source":{"executable":{"command":"gcp-executable-source --bogus","timeout_millis":0}}}`,
		whole + `,"credential_source":{"executable":{"command":" a  'b' \\ $(c)","timeout_millis":"5000","output_file":"relative","interactive_timeout_millis":1}}}`, whole + `,"credential_source":{"executable":{"command":[],"timeout_millis":1e300}}}`, whole + `,"credential_source":[]}`, whole + `,"credential_source":{"executable":{"command":"/bin/true x","timeout_millis":1}}}`,
		whole + `,"universe_domain":"not a domain","service_account_impersonation_url":"ftp://x","service_account_impersonation":{"token_lifetime_seconds":1e300},"workforce_pool_user_project":"1"}`, whole + `,"client_id":"c","client_secret":"s","token_info_url":"x"}`,
		whole + `,"credential_source":{"executable":{"command":"/bin/true","output_file":"/"}}}`, whole + `,"service_account_impersonation_url":"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@b:generateAccessToken","service_account_impersonation":{"token_lifetime_seconds":599}}`, whole + `,"service_account_impersonation":{"token_lifetime_seconds":-1}}`, whole + `,"service_account_impersonation":{"token_lifetime_seconds":1e10}}`,
	} {
		f.Add([]byte(text))
	}
	judge := fuzzing.NewJudge()
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		path := filepath.Join(dir, "google.json")
		if err := os.WriteFile(path, withSecret(data), 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := Check(path, Surroundings{
			Lookup: func(string) (string, bool) { return "", false }, Now: fixedNow,
			Understand: func(args []string) (Helper, error) {
				return Helper{Deadline: time.Second, Resource: len(args) > 1}, nil
			},
		})
		l, failed := Load(path)
		if (err == nil) != (failed == nil) || (err == nil) != IsOne(path) {
			t.Fatalf("%v, but %v", err, failed)
		}
		if err != nil {
			judge.Refused(t, err)
			if err := Write(path, []byte("{}"), false); err == nil && len(data) > 0 {
				t.Error("another file was replaced")
			}
			return
		}
		for _, finding := range r.Findings {
			judge.Shown(t, finding.Field+": "+finding.Message+"; "+finding.Hint)
		}
		if l.Lifetime < 0 || l.Lifetime%time.Second != 0 {
			t.Errorf("tokens that live for %s", l.Lifetime)
		}
		if args, ours := l.OfThisProgram(); ours && len(args) != len(l.Command)-1 {
			t.Errorf("%q of %q", args, l.Command)
		}
		if !strings.HasPrefix(l.TokenURL, "https://sts.") && l.TokenURL == "" {
			t.Error("there is nowhere to exchange a token")
		}
		if r.Audience.Pool != "" {
			if again, err := ParseAudience("audience", r.Audience.String()); err != nil || again != r.Audience {
				t.Errorf("%+v becomes %+v, %v", r.Audience, again, err)
			}
		}
		if !r.Works(Go) || r.Source == "url" {
			return
		}
		nobody := fuzzing.Client(func(*http.Request) fuzzing.Answer { return fuzzing.Answer{Status: 500} })
		credentials, err := google.CredentialsFromJSONWithType(context.WithValue(t.Context(), oauth2.HTTPClient, nobody), data, google.ExternalAccount)
		if err != nil {
			t.Fatalf("works in Go, but %v", err)
		}
		// It is not allowed to run anything here, and says so when nothing else is wrong.
		if r.Source == "executable" && !strings.Contains(string(data), "output_file") {
			if _, err := credentials.TokenSource.Token(); err == nil || !strings.Contains(err.Error(), "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES") {
				t.Errorf("works in Go, but %v", err)
			}
		}
	})
}

// withSecret puts a secret where the file has one, if it is JSON.
func withSecret(data []byte) []byte {
	var d map[string]any
	if json.Unmarshal(data, &d) != nil || d == nil {
		return data
	}
	if _, has := d["client_secret"]; !has {
		return data
	}
	d["client_secret"] = fuzzing.Canary
	changed, err := json.Marshal(d)
	if err != nil {
		return data
	}
	return changed
}

// Whatever is called an audience is refused, or read as what it is written as again.
func FuzzAudience(f *testing.F) {
	for _, text := range []string{
		"//iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/pool/providers/provider", "https://iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/pool/providers/provider", "projects/123/locations/global/workloadIdentityPools/pool/providers/provider",
		"//iam.googleapis.com/locations/global/workforcePools/my-pool/providers/provider", "//iam.googleapis.com///iam.googleapis.com/projects/1", "//iam.googleapis.com/projects/name/locations/global/workloadIdentityPools/pool/providers/provider", "projects//locations/global/workloadIdentityPools/pool/providers/provider",
		"", " ", "/", "////////", "projects/1/locations/eu/workloadIdentityPools/pool/providers/p\x1b[2J", "\u202e//iam.googleapis.com/", "iam.googleapis.com", strings.Repeat("iam.googleapis.com/", 500),
	} {
		f.Add(text)
	}
	judge := fuzzing.NewJudge()
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ParseAudience("audience", text)
		if err != nil {
			judge.Refused(t, err)
			return
		}
		for _, form := range []string{a.String(), a.Resource(), a.Name(), " " + a.String() + "\n"} {
			if again, err := ParseAudience("audience", form); err != nil || again != a {
				t.Errorf("%q is %+v, not %+v: %v", form, again, a, err)
			}
		}
		if !strings.Contains(text, a.Pool) || !strings.Contains(text, a.Provider) || strings.ContainsAny(a.String(), " \t\n'\"$`\\") {
			t.Errorf("%q becomes %q", text, a)
		}
	})
}

// Whatever lies in the output file: what we say that Go's client makes of it is what it makes of it.
func FuzzOutputFile(f *testing.F) {
	for _, name := range []string{"success.json", "success-id-token.json", "failure.json", "revoked.json"} {
		data, err := os.ReadFile(filepath.Join("..", "..", "testdata", "executable", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(data[:len(data)/2])
	}
	const jwt = `"token_type":"urn:ietf:params:oauth:token-type:jwt"`
	for _, text := range []string{
		"", " \n", "{}", "null", "[]", `{"version":1}`, `{"version":1,"success":true}`, `{"version":1,"success":false}`, `{"version":2,"success":true,` + jwt + `,"id_token":"t","expiration_time":4102444800}`, `{"version":1,"success":true,` + jwt + `,"id_token":"t","expiration_time":4102444800}`,
		`{"version":1,"success":true,` + jwt + `,"id_token":"t","expiration_time":1}`, `{"version":1,"success":true,` + jwt + `,"id_token":"t"}`, `{"version":1,"success":true,"token_type":"x","id_token":"t","expiration_time":4102444800}`, `{"version":1,"success":true,` + jwt + `,"access_token":"t","expiration_time":4102444800}`,
		`{"version":1,"success":true,` + jwt + `,"id_token":"t","expiration_time":4102444800}x`, `{"version":"1","success":true}`, `{"version":1,"success":true,` + jwt + `,"id_token":"t","expiration_time":4.1e9}`, `{"version":1,"success":true,` + jwt + `,"saml_response":"t","expiration_time":4102444800}`,
	} {
		f.Add([]byte(text))
	}
	f.Setenv("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1")
	judge := fuzzing.NewJudge()
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := t.TempDir()
		output, ran := filepath.Join(dir, "out.json"), filepath.Join(dir, "ran")
		if err := os.WriteFile(output, content, 0o600); err != nil {
			t.Fatal(err)
		}
		r := &Report{}
		r.checkOutputFile(output, Surroundings{Now: time.Now})
		used := false
		for _, finding := range r.Findings {
			judge.Shown(t, finding.Message+"; "+finding.Hint)
			used = used || strings.HasPrefix(finding.Message, "clients use the token that is there")
		}
		var sent string
		network := fuzzing.Client(func(q *http.Request) fuzzing.Answer {
			sent = q.URL.Host
			return fuzzing.Answer{Status: 200, ContentType: "application/json", Body: `{"access_token":"a","issued_token_type":"urn:ietf:params:oauth:token-type:access_token","token_type":"Bearer","expires_in":3600}`}
		})
		file, err := json.Marshal(map[string]any{
			"type": Type, "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/provider", "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": "https://sts.googleapis.com/v1/token",
			"credential_source": map[string]any{"executable": map[string]any{"command": "touch " + ran, "timeout_millis": 5000, "output_file": output}},
		})
		if err != nil {
			t.Fatal(err)
		}
		credentials, err := google.CredentialsFromJSONWithType(context.WithValue(t.Context(), oauth2.HTTPClient, network), file, google.ExternalAccount)
		if err != nil {
			t.Fatal(err)
		}
		_, err = credentials.TokenSource.Token()
		_, notRun := os.Stat(ran)
		stuck := err != nil && notRun != nil
		// For what has expired Go is more patient than the others, whose findings these are too.
		if r.Works(Go) && stuck {
			t.Errorf("works in Go, but it says %v\n%s", err, content)
		}
		if used && (sent == "" || notRun == nil) || !used && sent != "" && !strings.Contains(string(content), "saml") {
			t.Errorf("said to be used: %v, and it was sent to %q, %v\n%s", used, sent, err, content)
		}
	})
}

// Whatever config is told becomes a file that is read back as what was told, or is refused; nothing that a client would split or a shell would run gets into the command.
func FuzzConfig(f *testing.F) {
	f.Add("123", "pool", "provider", "jwt", "", "sa@project.iam.gserviceaccount.com", int64(3600), "", "/usr/bin/gcp-executable-source", "--resource", "api://app", 30000, "/run/out.json")
	f.Add("", "my-pool", "provider", "id_token", "example.com", "", int64(0), "42", "", "", "", 0, "")
	f.Add("1", "pool", "provider", "", "goog;le", "a@b@c", int64(-1), "", `C:\a\b.exe`, "$(x)", "a b", 1, `\x`)
	f.Add("1", "pool", "provider", "", "", "x\x1b@project.iam.gserviceaccount.com", int64(1)<<60, "", "/a\u202e", "`x`", "é", -1, "/\x00")
	judge := fuzzing.NewJudge()
	f.Fuzz(func(t *testing.T, project, pool, provider, kind, universe, account string, lifetime int64, user, program, flag, value string, timeout int, output string) {
		o := Options{
			Audience: Audience{project, pool, provider}, SubjectTokenType: kind, UniverseDomain: universe, ServiceAccount: account, TokenLifetime: time.Duration(lifetime) * time.Second, UserProject: user,
			Command: []string{program, flag, value}, TimeoutMillis: timeout, OutputFile: output,
		}
		if o.Audience.Check("--pool") != nil {
			t.Skip("config checks that first")
		}
		content, err := New(o)
		if err != nil {
			judge.Refused(t, err)
			if problem.From(err).Code != problem.BadInput {
				t.Errorf("%v", err)
			}
			return
		}
		path := filepath.Join(t.TempDir(), "google.json")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := Load(path)
		if err != nil {
			t.Fatalf("%v\n%s", err, content)
		}
		if l.Audience != o.Audience.String() || len(l.Command) != 3 || l.Command[1] != flag || l.Command[2] != value || l.Account != account || l.UserProject != user {
			t.Errorf("%+v of %+v", l, o)
		}
		if strings.ContainsAny(strings.Join(l.Command, ""), " \t\n\"'\\`$;|&<>()*?[]{}!#") {
			t.Errorf("%q", l.Command)
		}
		if _, err := google.CredentialsFromJSONWithType(t.Context(), content, google.ExternalAccount); err != nil {
			t.Errorf("%v\n%s", err, content)
		}
	})
}
