package sts

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/idferry/idferry/internal/fuzzing"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// Whatever Google's token services answer is a token or a refusal in our words; the subject token is in none of them.
func FuzzAnswers(f *testing.F) {
	for _, body := range []string{
		"", "{}", "null", "[]", "<html>", `{"access_token":"` + fuzzing.Token + `","expires_in":3599,"token_type":"Bearer"}`, `{"access_token":1}`, `{"access_token":"t","expires_in":-1}`, `{"access_token":"t","expires_in":9223372036854775807}`,
		`{"accessToken":"` + fuzzing.Token + `","expireTime":"2026-11-23T08:00:00Z"}`, `{"accessToken":"t","expireTime":"never"}`, `{"active":true,"username":"principal://x","exp":1795420200}`, `{"email":"a@b","azp":"1","exp":"1795420200"}`, `{"azp":"1","exp":"x"}`,
		`{"error":"invalid_grant","error_description":"The audience in ID Token [` + fuzzing.Token + `] does not match the expected audience."}`, `{"error":{"code":403,"status":"PERMISSION_DENIED","message":"Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist).","details":[{"reason":"SERVICE_DISABLED","metadata":{"consumer":"projects/1"}}]}}`,
		`{"error":"\u001b]0;x\u0007\u202e"}`, `{"error":"` + strings.Repeat("x", 5000) + `"}`, `{"error":{"status":"a b\nc","message":"` + strings.Repeat("long ", 2000) + `"}}`, `{"error":{"message":"only"}}`, `{"error":{"status":"NOT_FOUND","message":"\u001b[2J` + strings.Repeat("long ", 2000) + `"}}`, `{"error":{}}`, `{"error":[]}`, `{"error":""}`,
	} {
		f.Add(200, "application/json", body, "https://login.microsoftonline.com/t/v2.0", "oid")
		f.Add(400, "application/json; charset=utf-8", body, "i'ss", "o\x1b[2J")
		f.Add(403, "", body, "", "")
	}
	f.Add(502, "text/html\x1b[2J"+strings.Repeat("x", 3000), "<html>", "", "")
	judge := fuzzing.NewJudge()
	now := time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, status int, contentType, body, issuer, object string) {
		ctx, cancel := context.WithTimeout(context.Background(), fuzzing.Hurry)
		defer cancel()
		client := fuzzing.Client(func(*http.Request) fuzzing.Answer {
			return fuzzing.Answer{Status: status, ContentType: contentType, Body: body}
		})
		subject := token.NewSecret(fuzzing.Canary)
		took := func(got token.Token, err error) {
			t.Helper()
			if err != nil {
				judge.Answered(t, err)
			} else if got.Value.Empty() || fuzzing.Status(status) != http.StatusOK {
				t.Errorf("a token of a %d", fuzzing.Status(status))
			}
		}
		var said struct {
			Seconds float64 `json:"expires_in"`
		}
		_ = json.Unmarshal([]byte(body), &said)
		exchange := func(got token.Token, err error) {
			t.Helper()
			if took(got, err); err == nil && said.Seconds >= 0 && got.ExpiresOn.Before(now) {
				t.Errorf("%v seconds end at %s", said.Seconds, got.ExpiresOn)
			}
		}
		exchange(Exchange{URL: "https://sts.googleapis.com/v1/token", Audience: "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q", HTTP: client, Now: func() time.Time { return now }, ClientID: "c", ClientSecret: fuzzing.Canary}.Token(ctx, subject))
		took(Impersonation{URL: "https://iamcredentials.googleapis.com/v1/x", Account: "sa@p.iam.gserviceaccount.com", HTTP: client}.Token(ctx, subject))
		for _, ask := range []func(context.Context, *http.Client) (Proof, error){
			func(ctx context.Context, c *http.Client) (Proof, error) {
				return Introspect(ctx, c, nil, "https://sts.googleapis.com/v1/introspect", subject)
			},
			func(ctx context.Context, c *http.Client) (Proof, error) {
				return TokenInfo(ctx, c, nil, "https://oauth2.googleapis.com/tokeninfo", subject)
			},
		} {
			proof, err := ask(ctx, client)
			if err != nil {
				judge.Answered(t, err)
			}
			judge.Shown(t, proof.Who)
		}
		// What is presented comes from a token, which is somebody else's too; it stands in commands to paste.
		claims := token.Claims{Issuer: issuer, ObjectID: object, Subject: body, Audience: []string{contentType}}
		refusal := ReadRefusal(status, contentType, []byte(body))
		judge.Refused(t, refusal.Problem("exchanging the token", Presented("//iam.googleapis.com/"+issuer, claims)))
		if len(refusal.Message) > len(body)+len(contentType)+100 {
			t.Errorf("%d bytes of %d", len(refusal.Message), len(body))
		}
		if said := Quote(body); len(said) > maxQuote+len("…") || !utf8.ValidString(said) {
			t.Errorf("%q", said)
		}
		_ = problem.From(refusal.Problem("again", nil)).Sentence()
	})
}
