package entra

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	msal "github.com/AzureAD/microsoft-authentication-library-for-go/apps/errors"

	"github.com/idferry/idferry/internal/fuzzing"
	"github.com/idferry/idferry/internal/problem"
)

// answered is how MSAL hands over an answer that is no success.
func answered(status int, contentType, body string) error {
	at, _ := url.Parse("https://login.example/t/oauth2/v2.0/token")
	resp := &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(strings.NewReader(body)),
		Request: &http.Request{Method: http.MethodPost, URL: at},
	}
	return fmt.Errorf("http call: %w", msal.CallErr{Resp: resp, Err: fmt.Errorf("reply status code was %d:\n%s", status, body)})
}

const tail = ` Trace ID: 0a0a0a0a-0000-0000-0000-000000000000 Correlation ID: 0b0b0b0b-0000-0000-0000-000000000000 Timestamp: 2026-11-01 10:00:00Z`

func TestWhatEntraSaysIsKeptAndWhatToDoIsAdded(t *testing.T) {
	const canary = "eyJhbGciOiJSUzI1NiJ9.eyJjYW5hcnkiOiJjYW5hcnkifQ.Y2FuYXJ5"
	html := "<html><body>Sign in to the network</body></html>"
	for name, c := range map[string]struct {
		err                 error
		code, message, hint string
	}{
		"subject does not match": {
			answered(401, "application/json", `{"error":"invalid_client","error_description":"AADSTS700213: No matching federated identity record found for presented assertion subject 'x'. Please check your federated identity credential Subject, Audience and Issuer against the presented assertion. https://learn.microsoft.com/x`+tail+`","error_codes":[700213]}`),
			"AADSTS700213", "AADSTS700213: No matching federated identity record found for presented assertion subject 'x'", "an e-mail address stands where Google's numeric id belongs",
		},
		"tenant does not exist, line breaks as Entra writes them": {
			answered(400, "application/json", `{"error":"invalid_tenant","error_description":"AADSTS90002: Tenant 'nowhere' not found. Check to make sure you have the correct tenant ID.\r\nTrace ID: 0a\r\nCorrelation ID: 0b\r\nTimestamp: 2026"}`),
			"AADSTS90002", "AADSTS90002: Tenant 'nowhere' not found. Check to make sure you have the correct tenant ID", "az account show",
		},
		"a code without a hint": {
			answered(400, "application/json", `{"error":"x","error_description":"AADSTS999999: Something new.`+tail+`"}`), "AADSTS999999", "AADSTS999999: Something new", "",
		},
		"a refusal quoted by azidentity": {
			errors.New("ClientSecretCredential authentication failed. \nPOST https://login.example/t/oauth2/v2.0/token\n----\nRESPONSE 401: Unauthorized\n----\n{\n  \"error\": \"invalid_client\",\n  \"error_description\": \"AADSTS7000215: Invalid client secret provided. Ensure the secret\\u0027s value is sent." + tail + "\"\n}\n----\nTo troubleshoot, visit https://aka.ms/azsdk/go/identity/troubleshoot#client-secret"),
			"AADSTS7000215", "AADSTS7000215: Invalid client secret provided. Ensure the secret's value is sent", "az ad app credential reset",
		},
		"a refusal without an AADSTS code": {
			answered(400, "application/json", `{"error":"invalid_request","error_description":"Identity not found"}`), "invalid_request", "login.example answered 400: invalid_request: Identity not found", "",
		},
		"an error that is no word": {answered(400, "application/json", `{"error":"\u001b[2J no","error_description":"d\u202e"}`), problem.Refused, `login.example answered 400: \x1b[2J no: d\u202e`, ""},
		"a header that is no type": {answered(503, "\x1b[2J", html), problem.BadAnswer, "login.example answered 503 with text/html; charset=utf-8", "HTTPS_PROXY"},
		"App Service's form":       {answered(400, "application/json", `{"statusCode":400,"message":"No identity."}`), problem.Refused, "login.example answered 400: No identity", ""},
		"a sign-in page":           {answered(503, "text/html", html), problem.BadAnswer, "login.example answered 503 with text/html", "HTTPS_PROXY"},
		"an empty answer":          {answered(502, "", ""), problem.BadAnswer, "login.example answered 502 with nothing", "HTTPS_PROXY"},
		"throttled, in no form":    {answered(429, "text/plain", "slow down"), problem.Refused, "answered 429", "try again in a minute"},
		"a token in the answer":    {answered(400, "application/json", `{"error":"x","error_description":"AADSTS50027: JWT token is invalid: `+canary+`"}`), "AADSTS50027", "[redacted]", "no JSON Web Token"},
		"no answer in time":        {&url.Error{Op: "Post", URL: "https://login.example/t?secret=1", Err: context.DeadlineExceeded}, problem.DeadlineExceeded, "login.example/t: ", "--timeout"},
		"given up":                 {fmt.Errorf("msal: %w", context.Canceled), problem.Unexpected, "canceled", ""},
		"boilerplate":              {errors.New("SomeCredential: it broke. To troubleshoot, visit https://aka.ms/x"), problem.Unexpected, "SomeCredential: it broke", ""},
	} {
		e := problem.From(Explain(c.err))
		if e.Code != c.code || !strings.Contains(e.Message, c.message) || !strings.Contains(e.Hint, c.hint) || (c.hint == "" && e.Hint != "") {
			t.Errorf("%s: %s | %s | %s", name, e.Code, e.Message, e.Hint)
		}
		for _, never := range []string{"Trace ID", "Correlation", "aka.ms", "RESPONSE", "----", canary, "secret=1", "\n", "<html"} {
			if strings.Contains(e.Error(), never) {
				t.Errorf("%s: %q in %s", name, never, e)
			}
		}
		if strings.HasSuffix(e.Message, ".") {
			t.Errorf("%s: a full stop ends %q", name, e.Message)
		}
	}
}

func TestWhatNobodyKnowsIsKeptWhole(t *testing.T) {
	long := "AADSTS999999: " + strings.Repeat("Something new. ", 100) + "Trace ID: 0a0a Bearer eyJhbGciOiJSUzI1NiJ9.e30.c2ln"
	e := problem.From(Explain(answered(400, "application/json", `{"error":"x","error_description":"`+long+`"}`)))
	if strings.Count(e.Said, "Something new.") != 100 || !strings.Contains(e.Said, "Trace ID: 0a0a") || strings.Contains(e.Said, "eyJ") || len(e.Message) > 500 {
		t.Errorf("%d %s", len(e.Message), e.Said)
	}
	if known := problem.From(Explain(errors.New("AADSTS700016: no"))); known.Said != "" || known.Advice == nil {
		t.Error(known)
	}
}

// azidentity quotes whatever the token proxy of AKS has answered.
func TestOfMegabytesTheBeginningIsLookedThrough(t *testing.T) {
	rest := strings.Repeat("ä word ", 1<<20)
	for text, want := range map[string]string{"AADSTS700016: no. " + rest: "AADSTS700016", rest + "AADSTS700016: no": problem.Unexpected} {
		if e := problem.From(Explain(errors.New(text))); e.Code != want || !utf8.ValidString(e.Message) {
			t.Errorf("want %s, got %s: %q", want, e.Code, e.Message)
		}
	}
}

// Each brace may be where an answer begins, and each may lead to the end of what is a megabyte.
func TestALongAnswerIsNotReadOverAndOver(t *testing.T) {
	begun := fuzzing.Spent()
	err := Explain(errors.New(strings.Repeat(`{"a":`, 200_000)))
	if took := fuzzing.Spent() - begun; took > 5*time.Second || problem.From(err).Code != problem.Unexpected {
		t.Errorf("%s: %v", took, err)
	}
}

func TestAnExplainedErrorStaysAsItIs(t *testing.T) {
	known := problem.New(problem.BadAnswer, "already said")
	if got := Explain(fmt.Errorf("msal: %w", &url.Error{Op: "Get", URL: "https://h", Err: known})); got != error(known) {
		t.Error(got)
	}
	if got := Explain(nil); got != nil {
		t.Error(got)
	}
}

// An Azure SDK that runs azure-token-helper as az takes these words in its errors for the whole diagnosis and drops the
// code beside them.
func TestNoTextSendsAnSDKOnTheWrongTrack(t *testing.T) {
	said := []error{answered(400, "application/json", `{"error":"x","error_description":"AADSTS1: run az login, or az account set."}`), errors.New("Please run 'az login'")}
	for _, e := range Catalogue() {
		said = append(said, errors.New(e.Code+": no"))
	}
	for _, err := range said {
		for _, never := range []string{"az login", "az account set", "CLIInternalError", "is not recognized"} {
			if text := strings.ToLower(Explain(err).Error()); strings.Contains(text, strings.ToLower(never)) {
				t.Errorf("%q in %s", never, text)
			}
		}
	}
}

func TestNobodyAnswersOrAStrangerDoes(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	server.Config.ErrorLog = nil
	_, stranger := http.Get(server.URL + "/t?secret=1")
	server.Close()
	_, nobody := http.Get(server.URL + "/t?secret=1")
	var certificate *tls.CertificateVerificationError
	if !errors.As(stranger, &certificate) {
		t.Fatal(stranger)
	}
	for name, c := range map[string]struct {
		err  error
		hint string
	}{"a certificate that is not trusted": {stranger, "SSL_CERT_FILE"}, "a closed port": {nobody, "HTTPS_PROXY"}} {
		e := problem.From(Explain(c.err))
		if e.Code != problem.Unreachable || !strings.Contains(e.Hint, c.hint) || strings.Contains(e.Error(), "secret=1") {
			t.Errorf("%s: %s | %s | %s", name, e.Code, e.Message, e.Hint)
		}
	}
}
