package resourcemanager

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/idferry/idferry/internal/fuzzing"
	"github.com/idferry/idferry/internal/token"
)

// Whatever answers for Azure Resource Manager, it is a list of tenants or a refusal in our words, without the token.
func FuzzTenants(f *testing.F) {
	for _, body := range []string{"", "{}", "null", "[]", "<html>", `{"value":[{"tenantId":"t"},{"tenantId":1}]}`, `{"value":[{"tenantId":"t"}]}`, `{"value":[]}`, `{"error":{"code":"AuthenticationFailed","message":"m"}}`, `{"error":{"code":"\u001b[2J","message":"\u202e` + strings.Repeat("m", 5000) + `"}}`, `{"error":"x"}`} {
		f.Add(200, "application/json", body)
		f.Add(401, "text/html", body)
		f.Add(302, "", body)
	}
	f.Add(200, "\r"+strings.Repeat("x", 12_000), "{}")
	var answer fuzzing.Answer
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if answer.ContentType != "" {
			w.Header().Set("Content-Type", answer.ContentType)
		}
		w.WriteHeader(fuzzing.Status(answer.Status))
		_, _ = w.Write([]byte(answer.Body))
	}))
	f.Cleanup(server.Close)
	judge := fuzzing.NewJudge()
	f.Fuzz(func(t *testing.T, status int, contentType, body string) {
		answer = fuzzing.Answer{Status: status, ContentType: contentType, Body: body}
		ids, err := Tenants(t.Context(), nil, server.URL, token.NewSecret(fuzzing.Canary))
		if err != nil {
			judge.Answered(t, err)
			return
		}
		if fuzzing.Status(status) != http.StatusOK || len(ids) != strings.Count(body, "{")-1 && !strings.Contains(body, `"`) {
			t.Errorf("%d ids of %d %s", len(ids), status, body)
		}
	})
}
