package pluggable

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/idferry/idferry/internal/fuzzing"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// Whatever a client sets, the answer is one whole response of the documented form; a failure's words are fit to be shown.
func FuzzResponse(f *testing.F) {
	for _, name := range []string{"success.json", "failure.json", "revoked.json"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "executable", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text), TypeJWT, string(text), name, string(text), int64(3600))
	}
	f.Add("//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/azure/providers/entra", TypeIDToken, fuzzing.Token, "AADSTS700016", "entra id refused: "+fuzzing.Token, int64(0))
	f.Add("", typeSAML2, "\xff\x00", "", "\x1b]0;title\a\u202e\u2028two\r\nlines\t\xfe", int64(-1))
	f.Add("a", "urn:ietf:params:aws:token-type:aws4_request", "", "c", strings.Repeat("x", 20_000), int64(1)<<40)
	now := time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)
	judge := fuzzing.NewJudge()
	f.Fuzz(func(t *testing.T, audience, tokenType, value, code, message string, left int64) {
		r := ReadRequest(func(name string) (string, bool) {
			v, set := map[string]string{
				"GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE": audience, "GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE": tokenType, "GOOGLE_EXTERNAL_ACCOUNT_REVOKE": code,
			}[name]
			return v, set
		})
		if err := r.Check(); err != nil {
			judge.Refused(t, err)
		}
		if r.Audience != audience || r.Revoke != (code == "1") {
			t.Errorf("%+v", r)
		}
		typed := func(raw []byte) (d response) {
			fuzzing.Document(t, raw, &d)
			if d.Version != Version || d.TokenType != TypeJWT && d.TokenType != TypeIDToken {
				t.Errorf("%s", raw)
			}
			return d
		}
		left %= 1 << 40
		expires := now.Add(time.Duration(left) * time.Millisecond)
		given := typed(Success(r, token.Token{Value: token.NewSecret(value), ExpiresOn: expires}, now))
		// Clients allow no skew: they would use what says a time after the token's end.
		if !given.Success || utf8.ValidString(value) && given.IDToken != value || given.ExpirationTime > expires.Unix() {
			t.Errorf("%+v for %q", given, value)
		}
		if gone := typed(Revoked(r)); !gone.Success || gone.IDToken != "" {
			t.Errorf("%+v", gone)
		}
		for _, err := range []error{&problem.Error{Code: code, Message: message, Hint: value}, errors.New(message)} {
			said := typed(Failure(r, err))
			if said.Success || said.IDToken != "" || strings.ContainsFunc(said.Message, func(r rune) bool { return !unicode.IsGraphic(r) }) {
				t.Errorf("%+v", said)
			}
			judge.Shown(t, said.Message)
		}
	})
}
