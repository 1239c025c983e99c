package token_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"

	"github.com/idferry/idferry/internal/fuzzing"
	"github.com/idferry/idferry/internal/token"
)

// The claims of what is a token to the library that everybody else reads tokens with are what that library reads, and
// what is no token says so without a byte of it.
func FuzzClaims(f *testing.F) {
	for _, payload := range []string{
		`{"iss":"https://accounts.google.com","sub":"115000000000000000001","aud":"api://AzureADTokenExchange","exp":1795420200,"iat":1795416600.5,"email":"a@b","email_verified":true}`,
		`{"aud":["a","b"],"tid":"11111111-1111-1111-1111-111111111111","oid":"o","appid":"p","azp":"q","ver":"1.0","nbf":1}`,
		`{"exp":"soon"}`, `{"exp":1e400}`, `{"exp":-1,"iat":null}`, `{"EXP":1,"iss":null,"aud":null}`, `{"aud":[1]}`, `{"iss":1}`, `[]`, `null`, `{}`, `{"iss":"a","iss":"b"}`, "{\"sub\":\"\\ud800\"}", "{\"sub\":\"\xff\"}", `{"iss":"x"} `, `{"iss":"x"}{}`,
	} {
		f.Add(`{"alg":"RS256"}`, payload, "c2ln")
	}
	f.Add("", "", "")
	f.Add(fuzzing.Canary, fuzzing.Canary, fuzzing.Canary)
	f.Fuzz(func(t *testing.T, head, payload, signature string) {
		part := base64.RawURLEncoding.EncodeToString
		raw := part([]byte(head)) + "." + part([]byte(payload)) + "." + signature
		got, err := token.ReadClaims(raw)
		if err != nil {
			if !errors.Is(err, token.ErrNotJWT) || strings.Contains(err.Error(), fuzzing.Canary) || len(err.Error()) > 100 {
				t.Errorf("%q", err)
			}
		}
		// Where the other one is content as well, both have to have read the same.
		var theirs jwt.MapClaims
		if _, _, failed := jwt.NewParser().ParseUnverified(raw, &theirs); failed != nil || theirs == nil {
			return
		}
		for claim, mine := range map[string]string{"iss": got.Issuer, "sub": got.Subject, "tid": got.TenantID, "oid": got.ObjectID, "email": got.Email, "ver": got.Version} {
			switch v := theirs[claim].(type) {
			case string:
				if err == nil && v != mine {
					t.Errorf("%s is %q, not %q", claim, v, mine)
				}
			case nil:
				if mine != "" {
					t.Errorf("%s is missing, not %q", claim, mine)
				}
			default:
				if err == nil {
					t.Errorf("%s is %v, not %q", claim, v, mine)
				}
			}
		}
		if audience, failed := theirs.GetAudience(); failed == nil && err == nil && !slices.Equal(audience, got.Audience) && len(audience)+len(got.Audience) > 0 {
			t.Errorf("aud is %q, not %q", audience, got.Audience)
		}
		if expiry, failed := theirs.GetExpirationTime(); failed == nil && err == nil && expiry != nil && expiry.Unix() > 0 && expiry.Unix() < 1<<40 && expiry.Unix() != got.Expiry.Unix() {
			t.Errorf("exp is %s, not %s", expiry, got.Expiry)
		}
	})
}

// A whole token from anybody is read or refused, whatever its parts are.
func FuzzToken(f *testing.F) {
	for _, raw := range []string{fuzzing.Token, "", ".", "..", "...", "e30.e30.e30", "e30.e30=.e30", "e30.e30==.e30", "e30.e3\n0.e30", " e30.e30.e30 ", "a.b.c.d.e", strings.Repeat(".", 1000)} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		_, err := token.ReadClaims(raw)
		if err != nil && (!errors.Is(err, token.ErrNotJWT) || len(err.Error()) > 100) {
			t.Errorf("%q", err)
		}
		if again := token.NewSecret(raw); again.Reveal() != raw || again.String() != "[redacted]" {
			t.Error("a secret that shows itself")
		}
	})
}

// Whatever somebody else wrote is shown without what is in the form of a token, on one line that a terminal takes as it is, and
// no longer than asked.
func FuzzQuote(f *testing.F) {
	for _, text := range []string{
		"", "plain.", "two\r\nlines\tand \u2028 more\u0085", "\x1b[31mred\x1b[0m \x9b31m \u202eright to left", "Bearer " + fuzzing.Token, `{"access_token":"` + fuzzing.Token + `"}`,
		"client_secret=" + strings.Repeat("s", 50), "-----BEGIN PRIVATE KEY-----\nMIIE\n", "ya29.a0AfB_" + strings.Repeat("y", 40), strings.Repeat("eyJ", 3000), "\xff\xfe\x00", strings.Repeat("€", 500),
	} {
		f.Add(text, 600)
	}
	f.Fuzz(func(t *testing.T, text string, most int) {
		most = 1 + max(most, -most-1)%4096
		// Wherever a token stands, and whatever stands around it.
		for _, whole := range []string{text, text + " " + fuzzing.Token, text + fuzzing.Token + text} {
			said := token.Quote(whole, most)
			if len(said) > most+len("…") || !utf8.ValidString(said) || strings.ContainsFunc(said, func(r rune) bool { return !unicode.IsGraphic(r) }) || strings.Contains(said, "\n") {
				t.Errorf("%q", said)
			}
			if strings.Contains(said, fuzzing.Token) {
				t.Errorf("a token is quoted: %q", said)
			}
			if again := token.Line(said); again != said {
				t.Errorf("%q becomes %q", said, again)
			}
		}
		if _, err := json.Marshal(token.Line(text)); err != nil {
			t.Error(err)
		}
	})
}
