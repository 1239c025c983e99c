package main

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/idferry/idferry/internal/doctor"
	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/fuzzing"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// Whatever --claims is given is JSON, as it is or in some base64, and the same in each; or it is refused without a byte of it.
func FuzzClaimsChallenge(f *testing.F) {
	for _, text := range []string{"", `{"access_token":{"nbf":{"essential":true,"value":"1795420200"}}}`, "e30=", "e30", "eyJhIjoiPz8/In0=", `{"a":"???>>>"}`, "eyJhIjoiPz8_In0", "{", "bnVsbA==", "W10", " {}", "\xff", "MQ==", fuzzing.Token} {
		f.Add(text)
	}
	judge := fuzzing.NewJudge()
	f.Fuzz(func(t *testing.T, text string) {
		claims, err := decodeClaims(text)
		if err != nil {
			judge.Refused(t, err)
			if len(text) > 12 && strings.Contains(err.Error(), text) {
				t.Errorf("%q", err)
			}
		} else if claims != "" && !json.Valid([]byte(claims)) || claims == "" && text != "" {
			t.Errorf("%q becomes %q", text, claims)
		}
		if !json.Valid([]byte(text)) {
			return
		}
		for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
			if got, err := decodeClaims(encoding.EncodeToString([]byte(text))); err != nil || got != text {
				t.Errorf("%q becomes %q, %v", text, got, err)
			}
		}
	})
}

// Whatever an administrator hands over as the list of an application's federated credentials, it is one, or it is said that it is none.
func FuzzTrustedCredentials(f *testing.F) {
	for _, text := range []string{"", "[]", "{}", "null", `[{"name":"n","issuer":"https://accounts.google.com","subject":"1","audiences":["api://AzureADTokenExchange"]}]`, `[{"issuer":"\u001b[2J","subject":"\u202e"}]`, `[{"audiences":"a"}]`, `[null]`} {
		f.Add([]byte(text), "1", "https://accounts.google.com")
	}
	judge := fuzzing.NewJudge()
	f.Fuzz(func(t *testing.T, content []byte, subject, issuer string) {
		path := filepath.Join(t.TempDir(), "trust.json")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		trusted, err := readTrust(path)
		if err != nil {
			judge.Refused(t, err)
			return
		}
		claims := token.Claims{Issuer: issuer, Subject: subject, Audience: []string{"api://AzureADTokenExchange"}}
		for _, d := range entraDifferences(problem.New("AADSTS700213", "refused"), claims, entra.Cloud{AssertionAudience: "api://AzureADTokenExchange"}, trusted) {
			judge.Shown(t, d.Field+" "+d.Presented+" "+d.Expected+" "+d.Why)
			for _, c := range trusted {
				if d.Field == "subject" && c.Subject == subject || d.Field == "issuer" && c.Issuer == issuer {
					t.Errorf("%+v, and it is trusted", d)
				}
			}
		}
	})
}

// Whatever kubectl prints is who the user is, or nothing of it is shown.
func FuzzSelfSubjectReview(f *testing.F) {
	for _, text := range []string{"", "{}", "null", `{"kind":"SelfSubjectReview","status":{"userInfo":{"username":"u","groups":["system:authenticated"]}}}`, `{"status":{"userInfo":{"username":"\u001b[2J"}}}`, `{"status":[]}`} {
		f.Add([]byte(text), "error: You must be logged in to the server (Unauthorized)")
		f.Add([]byte(text), "\x1b[2J"+fuzzing.Token)
	}
	judge := fuzzing.NewJudge()
	f.Fuzz(func(t *testing.T, out []byte, said string) {
		var h doctor.Hop
		if err := reviewed(out, &h); err != nil {
			judge.Answered(t, err)
		} else if len(h.Fields) == 0 {
			t.Errorf("%+v", h)
		}
		judge.Answered(t, kubectlFailed(token.Quote(said, 600), problem.New(problem.Unexpected, "exit status 1")))
	})
}
