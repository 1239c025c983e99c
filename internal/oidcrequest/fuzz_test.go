package oidcrequest

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/idferry/idferry/internal/fuzzing"
	"github.com/idferry/idferry/internal/token"
)

// Whatever arrives at the endpoint, none but a GET with its token, to its own address and for its audience, is given an assertion;
// every other one is answered with one document without it.
func FuzzRequest(f *testing.F) {
	const bearer = "a-token-of-the-endpoint"
	whole := "GET /token?audience=api%3A%2F%2FAzureADTokenExchange HTTP/1.1\r\nHost: 127.0.0.1:1\r\nAuthorization: Bearer " + bearer + "\r\n\r\n"
	for _, raw := range []string{
		whole, strings.Replace(whole, "GET", "POST", 1), strings.Replace(whole, "127.0.0.1:1", "evil.example:1", 1), strings.Replace(whole, bearer, "x", 1), strings.Replace(whole, "Bearer", "bearer", 1), strings.Replace(whole, "AzureADTokenExchange", "other", 1),
		strings.Replace(whole, "?", "?audience=x&", 1), strings.Replace(whole, "%3A", "%zz", 1), strings.Replace(whole, "/token", "//token", 1), strings.Replace(whole, "/token", "http://127.0.0.1:1/token", 1), strings.Replace(whole, "?audience", "?;audience", 1), "GET / HTTP/1.0\r\n\r\n", "\x16\x03\x01", "",
		strings.Replace(whole, "Host", "Host: 127.0.0.1:1\r\nX", 1), strings.Replace(whole, "\r\n\r\n", "\r\nContent-Length: 5\r\n\r\nhello", 1),
	} {
		f.Add(raw, false)
		f.Add(raw, true)
	}
	f.Fuzz(func(t *testing.T, raw string, fails bool) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
		if err != nil {
			return
		}
		asked := 0
		e := &Endpoint{host: "127.0.0.1:1", audience: "api://AzureADTokenExchange", Token: token.NewSecret(bearer), assertion: func(context.Context) (token.Token, error) {
			asked++
			if fails {
				return token.Token{}, errors.New("it said \x1b[2J " + fuzzing.Token)
			}
			return token.Token{Value: token.NewSecret(fuzzing.Canary)}, nil
		}}
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		var answer map[string]string
		fuzzing.Document(t, w.Body.Bytes(), &answer)
		entitled := r.Method == http.MethodGet && r.Host == "127.0.0.1:1" && r.URL.Path == "/token" && strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ") == bearer
		for _, audience := range r.URL.Query()["audience"] {
			entitled = entitled && audience == "api://AzureADTokenExchange"
		}
		if entitled != (asked == 1) || (entitled && !fails) != (w.Code == http.StatusOK) || (answer["value"] == fuzzing.Canary) != (w.Code == http.StatusOK) {
			t.Errorf("%d %v after %d for %q", w.Code, answer, asked, raw)
		}
		if body := w.Body.String(); strings.Contains(body, fuzzing.Token) || strings.Contains(answer["message"], "\x1b") || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%q", body)
		}
	})
}
