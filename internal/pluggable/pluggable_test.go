package pluggable

import (
	"errors"
	"os"
	"path/filepath"
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
	if said := string(Failure(Request{}, errors.New("no \x1b[2J\u202e"))); !strings.Contains(said, `"message":"no \\x1b[2J\\u202e"`) {
		t.Error(said)
	}
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

func TestOutputFilesThatAreRefused(t *testing.T) {
	for path, want := range map[string]string{"cache.json": "absolute", filepath.Join(t.TempDir(), "none", "cache.json"): "directory", t.TempDir(): "not a regular file"} {
		_, err := OpenOutputFile(path)
		e := problem.From(err)
		if e == nil || !e.Misuse || !strings.HasPrefix(e.Message, "output_file: ") || !strings.Contains(e.Message, want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if f, err := OpenOutputFile(""); f != nil || err != nil {
		t.Errorf("no client asked for one: %v %v", f, err)
	}
}
