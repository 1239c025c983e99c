package externalaccount

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2/google"

	"github.com/idferry/idferry/internal/problem"
)

const workload = "//iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/azure/providers/entra"

func audience(t *testing.T, text string) Audience {
	t.Helper()
	a, err := ParseAudience("--audience", text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// The golden files are what gcloud 528 wrote for these, with ids that pools can have.
func TestWritesWhatGcloudWrites(t *testing.T) {
	for golden, o := range map[string]Options{
		"impersonation.json": {
			Audience: audience(t, workload), Command: []string{"/usr/local/bin/helper", "token", "--tenant=t"}, TimeoutMillis: 60000, OutputFile: "/tmp/cache.json",
			ServiceAccount: "sa@proj.iam.gserviceaccount.com", TokenLifetime: time.Hour,
		},
		"direct.json": {Audience: audience(t, workload), Command: []string{"/usr/local/bin/helper"}},
		"workforce.json": {
			Audience: audience(t, "locations/global/workforcePools/people-pool/providers/entra"), Command: []string{"/usr/local/bin/helper"},
			OutputFile: "/tmp/wf.json", InteractiveMillis: 120000, UserProject: "456",
		},
	} {
		want, err := os.ReadFile(filepath.Join("..", "..", "testdata", "external-account", golden))
		if err != nil {
			t.Fatal(err)
		}
		got, err := New(o)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v\n%s", golden, err, got)
		}
		if _, err := google.CredentialsFromJSONWithType(context.Background(), got, google.ExternalAccount, "https://www.googleapis.com/auth/cloud-platform"); err != nil {
			t.Errorf("%s: golang.org/x/oauth2: %v", golden, err)
		}
	}
}

func TestUniversesHaveTheirOwnEndpoints(t *testing.T) {
	got, err := New(Options{Audience: audience(t, workload), UniverseDomain: "apis.example.com", TokenPath: "/run/token", ServiceAccount: "sa@proj.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"universe_domain": "apis.example.com"`, `"token_url": "https://sts.apis.example.com/v1/token"`, `"audience": "` + workload + `"`, `"file": "/run/token"`,
		`"https://iamcredentials.apis.example.com/v1/projects/-/serviceAccounts/sa@proj.example.com:generateAccessToken"`,
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
}

func TestAudiencesAsPeoplePasteThem(t *testing.T) {
	for _, text := range []string{
		workload, "https:" + workload, "projects/123/locations/global/workloadIdentityPools/azure/providers/entra", " " + workload + "\n",
		"/projects/123/locations/global/workloadIdentityPools/azure/providers/entra",
	} {
		if a := audience(t, text); a.String() != workload || a.Workforce() || a.Resource() != "https:"+workload {
			t.Errorf("%q: %s", text, a)
		}
	}
	if a := audience(t, "//iam.googleapis.com/locations/global/workforcePools/people-pool/providers/entra"); !a.Workforce() || a.Name() != "locations/global/workforcePools/people-pool/providers/entra" {
		t.Error(a)
	}
	for text, want := range map[string]string{
		"//iam.googleapis.com/" + workload:                                                                   "prefix twice; leave one: " + workload,
		"//iam.googleapis.com/" + strings.TrimPrefix(workload, "//"):                                         "prefix twice; leave one: " + workload,
		strings.Replace(workload, "123", "my-project", 1):                                                    "gcloud projects describe my-project --format='value(projectNumber)'",
		strings.Replace(workload, "global", "europe-west1", 1):                                               `location "europe-west1"`,
		strings.Replace(workload, "azure", "a", 1):                                                           "cannot be the id of a pool",
		strings.Replace(workload, "entra", "Entra", 1):                                                       "cannot be the id of a provider",
		"projects/123/locations/global/workloadIdentityPools/azure":                                          "not the name of a provider",
		"principal://iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/azure/subject/x": "",
		"": "not the name of a provider",
		"//iam.googleapis.com/locations/global/workforcePools/p/providers/entra": "6 to 63",
	} {
		if a, err := ParseAudience("--audience", text); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "--audience: ") {
			t.Errorf("%q: %v, %v", text, a, err)
		}
	}
}

func TestRefusesWhatGcloudLetsThrough(t *testing.T) {
	base := func(change func(*Options)) Options {
		o := Options{Audience: audience(t, workload), Command: []string{"/usr/local/bin/helper", "--resource", "api://app"}}
		change(&o)
		return o
	}
	account := "sa@proj.iam.gserviceaccount.com"
	for want, o := range map[string]Options{
		"--subject-token-type: \"foo\"":                            base(func(o *Options) { o.SubjectTokenType = "foo" }),
		"--subject-token-type: \"saml2\"":                          base(func(o *Options) { o.SubjectTokenType = "saml2" }),
		"--command: \"helper\" is not an absolute path":            base(func(o *Options) { o.Command = []string{"helper"} }),
		"--command: \"/opt/my tools/helper\" has a space":          base(func(o *Options) { o.Command[0] = "/opt/my tools/helper" }),
		"--resource: \"api://a b\" has a space":                    base(func(o *Options) { o.Command[2] = "api://a b" }),
		"--resource: \"api://$HOME\" has a character of shells":    base(func(o *Options) { o.Command[2] = "api://$HOME" }),
		"--resource: \"\\\"x\\\"\" has a space, a quote":           base(func(o *Options) { o.Command[2] = `"x"` }),
		"--resource: \"a\\vb\" has a space":                        base(func(o *Options) { o.Command[2] = "a\vb" }),
		"--resource: \"a\\u00a0b\" has a space":                    base(func(o *Options) { o.Command[2] = "a\u00a0b" }),
		"command: \"/opt/h --resource a\\xff\" is not UTF-8":       base(func(o *Options) { o.Command = []string{"/opt/h", "--resource", "a\xff"} }),
		"--resource: it is empty":                                  base(func(o *Options) { o.Command[2] = "" }),
		"--timeout-millis: 4999 is not between 5000 and 120000":    base(func(o *Options) { o.TimeoutMillis = 4999 }),
		"--timeout-millis: 120001 is not between 5000 and 120000":  base(func(o *Options) { o.TimeoutMillis = 120001 }),
		"--output-file: \"out.json\" is not an absolute path":      base(func(o *Options) { o.OutputFile = "out.json" }),
		"--token-path: \"token\" is not an absolute path":          base(func(o *Options) { o.TokenPath = "token" }),
		"--universe-domain: \"https://x\" is not a domain name":    base(func(o *Options) { o.UniverseDomain = "https://x" }),
		"--service-account: \"me@example.com\" is not the e-mail":  base(func(o *Options) { o.ServiceAccount = "me@example.com" }),
		"--service-account: \"projects/-/serviceAccounts/sa@proj":  base(func(o *Options) { o.ServiceAccount = "projects/-/serviceAccounts/" + account }),
		"--service-account: the URL with":                          base(func(o *Options) { o.ServiceAccount = strings.Repeat("a", 150) + account }),
		"--token-lifetime: it is that of a service account's":      base(func(o *Options) { o.TokenLifetime = time.Hour }),
		"--token-lifetime: 9m0s is not":                            base(func(o *Options) { o.ServiceAccount, o.TokenLifetime = account, 9*time.Minute }),
		"--token-lifetime: 12h0m1s is not":                         base(func(o *Options) { o.ServiceAccount, o.TokenLifetime = account, 12*time.Hour+time.Second }),
		"--interactive-timeout-millis: clients ask people":         base(func(o *Options) { o.InteractiveMillis, o.OutputFile = 30000, "/tmp/o" }),
		"--workforce-pool-user-project: it is for workforce pools": base(func(o *Options) { o.UserProject = "456" }),
		"--workforce-pool-user-project: it is missing":             base(func(o *Options) { o.Audience = Audience{Pool: "people-pool", Provider: "entra"} }),
		"--interactive-timeout-millis: an interactive run answers": base(func(o *Options) {
			o.Audience, o.UserProject, o.InteractiveMillis = Audience{Pool: "people-pool", Provider: "entra"}, "456", 30000
		}),
		"--interactive-timeout-millis: 29999 is not between": base(func(o *Options) {
			o.Audience, o.UserProject, o.InteractiveMillis, o.OutputFile = Audience{Pool: "people-pool", Provider: "entra"}, "456", 29999, "/tmp/o"
		}),
	} {
		content, err := New(o)
		if err == nil || !strings.HasPrefix(err.Error(), want) || !problem.From(err).Misuse {
			t.Errorf("want %s: %v\n%s", want, err, content)
		}
	}
}

func TestWindowsPathsAreWrittenWithSlashes(t *testing.T) {
	got, err := New(Options{Audience: audience(t, workload), Command: []string{`C:\idferry\gcp-executable-source.exe`, "--resource", "api://app"}})
	if err != nil || !strings.Contains(string(got), `"command": "C:/idferry/gcp-executable-source.exe --resource api://app"`) {
		t.Errorf("%v\n%s", err, got)
	}
	if _, err := New(Options{Audience: audience(t, workload), Command: []string{`C:\Program Files\idferry\gcp-executable-source.exe`}}); err == nil {
		t.Error("a space passes")
	}
}

func TestOnlyAFileOfTheSameTypeIsReplaced(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "google.json")
	content, err := New(Options{Audience: audience(t, workload), TokenPath: "/run/token"})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := Write(path, content, false); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
		t.Errorf("%v %v", info.Mode(), err)
	}
	key := filepath.Join(dir, "key.json")
	for _, precious := range []string{`{"type":"service_account","private_key":"x"}`, "my notes", `[]`} {
		if err := os.WriteFile(key, []byte(precious), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := Write(key, content, false); err == nil || !strings.Contains(err.Error(), "--force") {
			t.Error(err)
		}
		if left, _ := os.ReadFile(key); string(left) != precious {
			t.Errorf("%s became %s", precious, left)
		}
	}
	if err := Write(key, content, true); err != nil {
		t.Error(err)
	}
	if err := Write(dir, content, true); err == nil {
		t.Error("a directory was replaced")
	}
	if err := os.Symlink(path, filepath.Join(dir, "link.json")); err == nil {
		if err := Write(filepath.Join(dir, "link.json"), content, true); err == nil || !strings.Contains(err.Error(), "symbolic link") {
			t.Error(err)
		}
	}
	if names, _ := filepath.Glob(filepath.Join(dir, ".*")); len(names) != 0 {
		t.Errorf("left behind: %s", names)
	}
}
