package entra

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/fuzzing"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// entraAnswers are answers of the token service, real ones and others.
func entraAnswers() []string {
	return []string{
		"", "{}", "null", "[]", "<html>", "{", `{"token_type":"Bearer","expires_in":3599,"ext_expires_in":3599,"refresh_in":1800,"access_token":"` + fuzzing.Token + `"}`,
		`{"token_type":"Bearer","expires_in":"3599","access_token":"t"}`, `{"expires_in":-1,"access_token":"t"}`, `{"expires_in":1e30,"access_token":"t"}`, `{"access_token":"t"}`, `{"access_token":"","expires_in":3599}`, `{"access_token":["` + fuzzing.Token + `"],"expires_in":3599}`, `{"access_token":"` + fuzzing.Token + `","expires_in":"soon","token_type":"Bearer"}`, `{"access_token":"t","expires_in":3599,"scope":"a b","client_info":"e30"}`,
		`{"error":"invalid_client","error_description":"AADSTS700213: No matching federated identity record found for presented assertion subject '1'. Check your federated identity credential Subject. Trace ID: 1 Correlation ID: 2 Timestamp: 2026-11-23 07:00:00Z","error_codes":[700213],"timestamp":"2026-11-23 07:00:00Z","trace_id":"1","correlation_id":"2","error_uri":"https://login.microsoftonline.com/error?code=700213"}`,
		`{"error":"invalid_request","error_description":"AADSTS90002: Tenant '` + fuzzing.Token + `' not found."}`, `{"error":"x","error_description":"AADSTS1: \u001b[2J\u202eright to left az login\u2028"}`, `{"error":"\u001b[2J"}`, `{"error":"` + strings.Repeat("x", 5000) + `"}`, `{"error":"two words: and more","error_description":"d"}`,
		`{"error":{"code":"Unauthorized","message":"m"}}`, `{"Message":"No managed identity","statusCode":400}`, `{"error":"interaction_required","claims":"{\"access_token\":{}}","suberror":"basic_action"}`, `{"error_description":"AADSTS` + strings.Repeat("9", 3000) + `: x"}`,
	}
}

// Whatever the token service answers is a token that lives, or a refusal in our words; the assertion is in none of them.
func FuzzTokenEndpoint(f *testing.F) {
	for _, body := range entraAnswers() {
		f.Add(200, "application/json", "", body, `{"iss":"https://accounts.google.com","sub":"1","aud":"api://AzureADTokenExchange","exp":1}`, "")
		f.Add(400, "application/json; charset=utf-8", "", body, `{"iss":"https://kubernetes/'$(x)","sub":"\u001b[2J","aud":["a","b"]}`, `{"access_token":{"nbf":{"essential":true,"value":"1"}}}`)
		f.Add(401, "", "1", body, `[]`, `{`)
	}
	f.Add(429, "text/html\x1b[2J"+strings.Repeat("x", 3000), "99999999999999999999", "<html>", "", "null")
	cloud, err := FindCloud("", "")
	if err != nil {
		f.Fatal(err)
	}
	judge := fuzzing.NewJudge()
	f.Fuzz(func(t *testing.T, status int, contentType, retryAfter, body, claims, challenge string) {
		assertion := "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + "." + fuzzing.Canary
		ctx, cancel := context.WithTimeout(context.Background(), fuzzing.Hurry)
		defer cancel()
		asked := 0
		exchange := Exchange{
			Cloud: cloud, TenantID: tenantID, ClientID: clientID,
			HTTP: fuzzing.Client(func(*http.Request) fuzzing.Answer {
				asked++
				return fuzzing.Answer{Status: status, ContentType: contentType, Body: body, Header: map[string]string{"Retry-After": retryAfter}}
			}),
			Assertion: token.SourceFunc(func(context.Context) (token.Token, error) {
				return token.Token{Value: token.NewSecret(assertion)}, nil
			}),
		}
		start := fuzzing.Spent()
		got, err := exchange.Token(ctx, []string{scope}, challenge)
		if took := fuzzing.Spent() - start; took > 10*time.Second {
			t.Errorf("%s", took)
		}
		if challenge != "" && !json.Valid([]byte(challenge)) {
			if e := problem.From(err); e == nil || e.Code != problem.BadInput || asked != 0 {
				t.Errorf("%v after %d requests", err, asked)
			}
		}
		if err == nil {
			if got.Value.Empty() || fuzzing.Status(status)/100 != 2 {
				t.Errorf("a token of %d %s", status, body)
			}
			return
		}
		judge.Answered(t, err)
		if strings.Contains(err.Error(), fuzzing.Canary) || strings.Contains(err.Error(), base64.RawURLEncoding.EncodeToString([]byte(claims))) && len(claims) > 20 {
			t.Errorf("the assertion is quoted: %q", err)
		}
	})
}

// Whatever text a library makes of an error, and whatever a person pastes, is explained in one line that tells nobody to sign in with
// the Azure CLI.
func FuzzExplain(f *testing.F) {
	for _, body := range entraAnswers() {
		f.Add(body)
		f.Add("ClientAssertionCredential authentication failed.\nPOST https://login.microsoftonline.com/t/oauth2/v2.0/token\n----\nRESPONSE 401: Unauthorized\n----\n" + body + "\n----\nTo troubleshoot, visit https://aka.ms/azsdk/go/identity/troubleshoot")
	}
	f.Add("AADSTS")
	f.Add("AADSTS1AADSTS2")
	f.Add(strings.Repeat("{", 10_000))
	f.Add(strings.Repeat(`{"a":`, 3_000))
	f.Add("run az login, AZ LOGIN, az account set, az\tlogin or az\u2028login")
	judge := fuzzing.NewJudge()
	f.Fuzz(func(t *testing.T, text string) {
		start := fuzzing.Spent()
		err := Explain(errors.New(text))
		if took := fuzzing.Spent() - start; took > 5*time.Second {
			t.Errorf("%s for %d bytes", took, len(text))
		}
		judge.Answered(t, err)
		e := problem.From(err)
		for _, phrase := range []string{"az login", "az account set"} {
			if strings.Contains(strings.ToLower(e.Message), phrase) {
				t.Errorf("%q", e.Message)
			}
		}
		if again := problem.From(Explain(err)); again != e {
			t.Errorf("explained again: %v", again)
		}
	})
}

// Whatever answers at an authority's address is its configuration, or is said to be something else.
func FuzzDiscovery(f *testing.F) {
	for _, body := range append(entraAnswers(), `{"token_endpoint":"https://login.microsoftonline.com/t/oauth2/v2.0/token","issuer":"https://login.microsoftonline.com/t/v2.0"}`, `{"token_endpoint":1}`) {
		f.Add(200, body, "tenant")
		f.Add(400, body, "\x1b[2J")
	}
	judge := fuzzing.NewJudge()
	f.Fuzz(func(t *testing.T, status int, body, tenant string) {
		if err := JudgeDiscovery(tenant)(status, []byte(body)); err != nil {
			judge.Answered(t, err)
		} else if status != http.StatusOK {
			t.Errorf("%d is a success", status)
		}
	})
}

// What is remembered of a bound token is the token with its key, which sign a proof; anything else says so without a byte of it.
func FuzzBoundToken(f *testing.F) {
	possession, err := NewPossession()
	if err != nil {
		f.Fatal(err)
	}
	whole, err := possession.Keep(token.NewSecret(fuzzing.Token))
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{whole.Reveal(), "", "null", "{}", `{"at":"t","key":"AAAA"}`, `{"at":"","key":null}`, fuzzing.Token} {
		f.Add(text, "/subscriptions/1/c")
	}
	judge := fuzzing.NewJudge()
	f.Fuzz(func(t *testing.T, text, host string) {
		proof, err := Prove(token.NewSecret(text), host, time.Unix(1_800_000_000, 0))
		if failed := BoundBelongs(tenantID, clientID)(token.NewSecret(text)); err != nil && failed == nil {
			t.Errorf("%q belongs, and %v", text, err)
		}
		if err != nil {
			judge.Refused(t, err)
			if len(text) > 12 && strings.Contains(err.Error(), text) {
				t.Errorf("%q", err)
			}
			return
		}
		accessToken, _, err := readKept(token.NewSecret(text))
		if err != nil || strings.Count(proof.Reveal(), ".") != 2 || strings.Contains(proof.Reveal(), accessToken) && len(accessToken) > 12 {
			t.Errorf("%v %s", err, proof.Reveal())
		}
	})
}
