package externalaccount

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func fixedNow() time.Time { return time.Unix(1_800_000_000, 0) }

// place is a directory with a program and a file that every client with an executable source works with.
type place struct {
	dir, program string
	fields       map[string]any
}

func newPlace(t *testing.T) *place {
	t.Helper()
	dir := t.TempDir()
	p := &place{dir: dir, program: filepath.Join(dir, "gcp-executable-source")}
	if err := os.WriteFile(p.program, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	content, err := New(Options{Audience: audience(t, workload), Command: []string{p.program, "--resource", "api://app", "--output-file", filepath.Join(dir, "out.json")}, OutputFile: filepath.Join(dir, "out.json"), ServiceAccount: "sa@proj.iam.gserviceaccount.com"})
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(content, &p.fields); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *place) executable() map[string]any {
	return p.fields["credential_source"].(map[string]any)["executable"].(map[string]any)
}

func (p *place) check(t *testing.T) *Report {
	t.Helper()
	path := filepath.Join(p.dir, "google.json")
	content, err := json.Marshal(p.fields)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Check(path, Surroundings{
		Lookup: func(name string) (string, bool) { return "1", name == "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES" },
		Now:    fixedNow,
		Understand: func(args []string) (Helper, error) {
			switch {
			case slices.Contains(args, "--bogus"):
				return Helper{}, errors.New("unknown flag: --bogus")
			case slices.Contains(args, "--slow"):
				return Helper{Deadline: time.Minute, Resource: true}, nil
			}
			h := Helper{Deadline: 25 * time.Second, Resource: slices.Contains(args, "--resource")}
			if at := slices.Index(args, "--output-file"); at >= 0 {
				h.OutputFile = args[at+1]
			}
			return h, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWhatConfigWritesWorksEverywhere(t *testing.T) {
	r := newPlace(t).check(t)
	if !r.Sound() || len(r.Notes()) > 0 || r.Account != "sa@proj.iam.gserviceaccount.com" || r.Audience.String() != workload {
		t.Errorf("%+v", r)
	}
	for _, c := range Clients() {
		if want := c != DotNet && c != CPP; r.Works(c) != want || r.Unsupported(c) == want {
			t.Errorf("%s: works %v, unsupported %v", c, r.Works(c), r.Unsupported(c))
		}
	}
}

func TestSaysWhichClientsFailAndWhy(t *testing.T) {
	everybody := []Client{Go, Python, GCloud, Node, Java, PHP, Ruby, Rust}
	set := func(key string, value any) func(*place) { return func(p *place) { p.fields[key] = value } }
	run := func(key string, value any) func(*place) { return func(p *place) { p.executable()[key] = value } }
	command := func(tail string) func(*place) {
		return func(p *place) { p.executable()["command"] = p.program + tail }
	}
	output := func(content string) func(*place) {
		return func(p *place) {
			if err := os.WriteFile(filepath.Join(p.dir, "out.json"), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		change func(*place)
		fail   []Client
		why    string
	}{
		"project id":               {set("audience", strings.Replace(workload, "123", "my-project", 1)), everybody, "gcloud projects describe my-project"},
		"doubled prefix":           {set("audience", "//iam.googleapis.com/"+workload), everybody, "prefix twice"},
		"audience without host":    {set("audience", strings.TrimPrefix(workload, "//iam.googleapis.com/")), everybody, "write it as " + workload},
		"no audience":              {set("audience", nil), everybody, "not the name of a provider"},
		"no token type":            {set("subject_token_type", nil), everybody, "it is missing"},
		"SAML":                     {set("subject_token_type", "urn:ietf:params:oauth:token-type:saml2"), everybody, "nothing that Entra ID gives"},
		"token_url over http":      {set("token_url", "http://127.0.0.1:1/v1/token"), []Client{Java}, "not https"},
		"no token_url":             {set("token_url", nil), []Client{Python, GCloud, PHP, Ruby, Rust}, "sts.googleapis.com"},
		"no token_url, universe":   {func(p *place) { p.fields["token_url"], p.fields["universe_domain"] = nil, "apis.example.com" }, []Client{Go, Python, GCloud, PHP, Ruby, Rust}, "sts.apis.example.com"},
		"account without method":   {set("service_account_impersonation_url", "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@b"), everybody, "generateAccessToken"},
		"URL for Node.js":          {set("service_account_impersonation_url", "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/"+strings.Repeat("a", 200)+"@b:generateAccessToken"), []Client{Node}, "longer than 256"},
		"lifetime of a day":        {set("service_account_impersonation", map[string]any{"token_lifetime_seconds": 86400}), everybody, "between 600 and 43200"},
		"billing a workload":       {set("workforce_pool_user_project", "456"), everybody, "for workforce pools"},
		"workforce without bill":   {set("audience", "//iam.googleapis.com/locations/global/workforcePools/people-pool/providers/entra"), everybody, "it is missing"},
		"no source":                {set("credential_source", map[string]any{}), append(everybody, DotNet, CPP), "neither executable nor file"},
		"two sources":              {func(p *place) { p.fields["credential_source"].(map[string]any)["file"] = "/run/token" }, everybody, "clients differ in which they take"},
		"no command":               {run("command", ""), everybody, "it is missing"},
		"a program that is gone":   {run("command", "/nowhere/helper --x"), everybody, "cannot be run here"},
		"quotes":                   {command(` --resource "api://app"`), []Client{Go, Python, GCloud, Java, Rust}, "quotes"},
		"a backslash":              {command(` --resource api:\\app`), []Client{Python, GCloud}, "backslash"},
		"a shell's character":      {command(` --resource api://$x`), []Client{PHP, Ruby}, "shell"},
		"an unknown flag":          {command(" --bogus"), everybody, "unknown flag: --bogus"},
		"no resource":              {command(""), []Client{Rust}, "add --resource https:" + workload},
		"timeout of a second":      {run("timeout_millis", 1000), []Client{Go, Python, GCloud, Node, Java, Ruby}, "not between 5000 and 120000"},
		"no timeout at all":        {run("timeout_millis", 0), []Client{Go, Node, Java, Ruby}, "out of bounds"},
		"timeout as text":          {run("timeout_millis", "30000"), []Client{Go, Python, GCloud, Node, Ruby, Rust}, "a text and not a number"},
		"relative output file":     {run("output_file", "out.json"), everybody, "not an absolute path"},
		"output file nowhere":      {run("output_file", "/nowhere/at/all/out.json"), everybody, "mkdir -m 700 /nowhere/at/all"},
		"torn output file":         {output(`{"version": 1, "succ`), []Client{Go, Node, Java, PHP}, "neither use nor replace it; rm "},
		"white space":              {output(" \n"), []Client{Go, Node, Java}, "neither use nor replace it; rm "},
		"output file of tomorrow":  {output(`{"version":2,"success":true,"token_type":"urn:ietf:params:oauth:token-type:jwt","id_token":"x","expiration_time":1800000060}`), []Client{Go}, "a response of version 2"},
		"output file of a type":    {output(`{"version":1,"success":true,"token_type":"t","id_token":"x","expiration_time":1800000060}`), []Client{Go}, `the token_type "t"`},
		"output file of a number":  {output(`{"version":1,"success":false,"code":1,"message":"y"}`), []Client{Go}, "is no response"},
		"output file of no time":   {output(`{"version":1,"success":true,"token_type":"urn:ietf:params:oauth:token-type:jwt","id_token":"x","expiration_time":0}`), []Client{Go, Node, Java, PHP}, "does not say when"},
		"output file of a failure": {output(`{"version":1,"success":false,"code":"x","message":"y"}`), []Client{Ruby}, "for good"},
		"no version":               {output(`{"success":true,"token_type":"urn:ietf:params:oauth:token-type:jwt","id_token":"x"}`), []Client{Go, Python, GCloud, Node, Java, PHP, Ruby}, "only a part"},
		"no token":                 {output(`{"version":1,"success":true,"token_type":"urn:ietf:params:oauth:token-type:jwt","expiration_time":1}`), []Client{Go, Python, GCloud, Node, Java, PHP}, "only a part"},
		"a space before":           {func(p *place) { p.executable()["command"] = " " + p.program + " --resource x" }, []Client{Java}, "none before it"},
		"no expiry":                {output(`{"version":1,"success":true,"token_type":"urn:ietf:params:oauth:token-type:jwt","id_token":"x"}`), []Client{Go, Node, Java, PHP}, "does not say when it expires"},
		"interactive, no people":   {func(p *place) { p.executable()["interactive_timeout_millis"] = 1 }, []Client{Python, GCloud}, "between 30000 and 1800000"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			c.change(p)
			r := p.check(t)
			var failing []Client
			why := ""
			for _, client := range Clients() {
				if !r.Unsupported(client) && !r.Works(client) {
					failing = append(failing, client)
				}
			}
			for _, f := range r.Findings {
				if f.Fails && !slices.Contains(f.Clients, DotNet) {
					why += f.Field + ": " + f.Message + "; " + f.Hint + "\n"
				}
			}
			if !slices.Equal(failing, c.fail) || !strings.Contains(why, c.why) || r.Sound() {
				t.Errorf("fail: %q, not %q\n%s", failing, c.fail, why)
			}
		})
	}
}

func TestNotesWhatIsGoodToKnow(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*place)
		note   string
	}{
		"lifetime above an hour": {func(p *place) {
			p.fields["service_account_impersonation"] = map[string]any{"token_lifetime_seconds": 7200}
		}, "allowServiceAccountCredentialLifetimeExtension"},
		"double space":        {func(p *place) { p.executable()["command"] = p.program + "  --resource x" }, "single spaces"},
		"a deadline too late": {func(p *place) { p.executable()["command"] = p.program + " --slow" }, "add --timeout 25s"},
		"relative":            {func(p *place) { p.executable()["command"] = "true" }, "not an absolute path"},
		"fresh output file": {func(p *place) {
			_ = os.WriteFile(filepath.Join(p.dir, "out.json"), []byte(`{"version":1,"success":true,"token_type":"urn:ietf:params:oauth:token-type:jwt","id_token":"x","expiration_time":1800000060}`), 0o600)
		}, "until 2027-01-15T08:01:00Z"},
		"gcloud's own for Azure": {func(p *place) {
			p.fields["credential_source"] = map[string]any{"url": "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=x"}
		}, "virtual machines alone"},
		"another universe": {func(p *place) { p.fields["token_url"] = "https://sts.example.com/v1/token" }, "not of the universe"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			c.change(p)
			r := p.check(t)
			text := ""
			for _, f := range r.Notes() {
				text += f.Message + "; " + f.Hint + "\n"
			}
			if !r.Sound() || !strings.Contains(text, c.note) {
				t.Errorf("%s\n%+v", text, r.Findings)
			}
		})
	}
}

func TestTokenFileForClientsThatRunNothing(t *testing.T) {
	p := newPlace(t)
	token := filepath.Join(p.dir, "token")
	p.fields["credential_source"] = map[string]any{"file": token}
	if r := p.check(t); r.Sound() || !strings.Contains(r.ForAll()[0].Hint, "token-file --path "+token) {
		t.Errorf("%+v", r)
	}
	if err := os.WriteFile(token, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := p.check(t)
	for _, c := range Clients() {
		if !r.Works(c) || r.Unsupported(c) {
			t.Errorf("%s: %+v", c, r.Findings)
		}
	}
	p.fields["credential_source"] = map[string]any{"file": token, "format": map[string]any{"type": "json"}}
	if p.check(t).Sound() {
		t.Error("JSON without a field's name passes")
	}
}

func TestOtherFilesAreNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.json")
	for content, want := range map[string]string{
		`{"type":"service_account"}`: "private key of a service account",
		`{"type":"authorized_user"}`: `its type is "authorized_user"`,
		`{}`:                         `no "type"`,
		`nonsense`:                   "not JSON",
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Check(path, Surroundings{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", content, err)
		}
	}
}
