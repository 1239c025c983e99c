package pluggable

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

const sample = "eyJ0eXAiOiJKV1QifQ.eyJzdWIiOiJzYW1wbGUifQ.c2lnbmF0dXJl"

func environment(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	want, err := os.ReadFile(filepath.Join("..", "..", "testdata", "executable", name))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("differs from %s\n got %s\nwant %s", name, got, want)
	}
}

func TestDocumentsAreThoseOnTheWire(t *testing.T) {
	now := time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)
	held := token.Token{Value: token.NewSecret(sample), ExpiresOn: now.Add(time.Hour)}
	golden(t, "success.json", Success(Request{}, held, now))
	golden(t, "success-id-token.json", Success(Request{TokenType: TypeIDToken}, held, now))
	golden(t, "revoked.json", Revoked(Request{}))
	golden(t, "failure.json", Failure(Request{}, problem.New("AADSTS700016", "asking for a token:\n AADSTS700016: Application was not found").WithHint("az ad app list")))
}

func TestFailureNeverCarriesAToken(t *testing.T) {
	doc := string(Failure(Request{}, errors.New("unexpected answer: {\"access_token\":\""+sample+"\"}")))
	if strings.Contains(doc, sample[:12]) || !strings.Contains(doc, "[redacted]") || !strings.Contains(doc, `"code":"unexpected"`) {
		t.Error(doc)
	}
}

// Rust's client sets no variable at all.
func TestRequestWithoutAnyVariable(t *testing.T) {
	r := ReadRequest(environment(nil))
	if r != (Request{}) || r.Check() != nil || r.responseType() != TypeJWT {
		t.Errorf("%+v", r)
	}
}

func TestRequestAsClientsSendIt(t *testing.T) {
	r := ReadRequest(environment(map[string]string{
		"GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE":           "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
		"GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE":         TypeIDToken,
		"GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE":        "0",
		"GOOGLE_EXTERNAL_ACCOUNT_REVOKE":             "0",
		"GOOGLE_EXTERNAL_ACCOUNT_ID":                 "",
		"GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE":        "/tmp/x",
		"GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL": "sa@p.iam.gserviceaccount.com",
	}))
	if !strings.HasSuffix(r.Audience, "/providers/q") || r.TokenType != TypeIDToken || r.ImpersonatedEmail != "sa@p.iam.gserviceaccount.com" || r.Interactive || !r.NonInteractive || r.Revoke || r.OutputFile != "/tmp/x" || r.responseType() != TypeIDToken {
		t.Errorf("%+v", r)
	}
}

func TestTokenTypesThatEntraCannotGive(t *testing.T) {
	for _, kind := range []string{"urn:ietf:params:oauth:token-type:saml2", "urn:ietf:params:oauth:token-type:access_token", "jwt"} {
		err := problem.From(Request{TokenType: kind}.Check())
		if err == nil || !err.Misuse || !strings.Contains(err.Message, "subject_token_type") {
			t.Errorf("%s: %v", kind, err)
		}
		if doc := string(Failure(Request{TokenType: kind}, err)); !strings.Contains(doc, `"token_type":"`+TypeJWT+`"`) {
			t.Error("Rust needs a token_type it knows in a failure:", doc)
		}
	}
}

func TestOutputFileIsReplacedWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.json")
	if err := os.WriteFile(path, []byte("an older and much longer document"), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := OpenOutputFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Write([]byte("new\n")); err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile(path)
	info, _ := os.Stat(path)
	if string(got) != "new\n" || (runtime.GOOS != "windows" && info.Mode().Perm() != 0o600) {
		t.Errorf("%q %v", got, info.Mode())
	}
	entries, _ := os.ReadDir(filepath.Dir(path))
	if len(entries) != 1 {
		t.Errorf("temporary files left: %v", entries)
	}
	for range 2 {
		if err := f.Remove(); err != nil {
			t.Error("removing twice is no error:", err)
		}
	}
}

func TestOutputFilesThatAreRefused(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "target")
	if err := os.WriteFile(target, []byte("untouched"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(target, link); err != nil {
		t.Skip("symbolic links:", err)
	}
	open := filepath.Join(dir, "open")
	if err := errors.Join(os.Mkdir(open, 0o700), os.Chmod(open, 0o777)); err != nil {
		t.Fatal(err)
	}
	type refusal struct{ path, want string }
	cases := map[string]refusal{
		"relative":            {"cache.json", "absolute"},
		"missing directory":   {filepath.Join(dir, "none", "cache.json"), "directory"},
		"a link":              {link, "symbolic link"},
		"a directory":         {dir, "not a regular file"},
		"everybody's":         {filepath.Join(open, "cache.json"), "written by everybody"},
		"parent is not a dir": {filepath.Join(target, "cache.json"), "directory"},
	}
	if os.Geteuid() == 0 { // nobody else can give files away
		cases["foreign-owned file"] = refusal{foreign(t, dir, "file"), "belongs to"}
		cases["foreign-owned folder"] = refusal{filepath.Join(foreign(t, dir, "folder"), "cache.json"), "belongs to"}
	}
	for name, c := range cases {
		if runtime.GOOS == "windows" && name == "everybody's" {
			continue
		}
		_, err := OpenOutputFile(c.path)
		e := problem.From(err)
		if e == nil || !e.Misuse || !strings.HasPrefix(e.Message, "output_file: ") || !strings.Contains(e.Message, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got, _ := os.ReadFile(target); string(got) != "untouched" {
		t.Error("something was written through the link")
	}
}

// foreign makes a file or folder of another user's.
func foreign(t *testing.T, dir, kind string) string {
	t.Helper()
	path := filepath.Join(dir, "foreign-"+kind)
	var err error
	if kind == "file" {
		err = os.WriteFile(path, nil, 0o600)
	} else {
		err = os.Mkdir(path, 0o755)
	}
	if err = errors.Join(err, os.Chown(path, 12345, 12345)); err != nil {
		t.Fatal(err)
	}
	return path
}
