package upstream

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// What a caller proves itself by may come back in an error. What else the error says stays.
func TestWhatWasSentIsStruckOutOfAnError(t *testing.T) {
	const secret = `p~"q"<r>+s/t&0123456789`
	const bearer = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJhIjoiYiJ9.c2lnbmF0dXJl"
	for name, c := range map[string]struct {
		status       int
		answer, want string
	}{
		"in JSON":                   {400, `{"error":"invalid_client","error_description":"AADSTS7000215: %q is no good"}`, `{"error":"invalid_client","error_description":"AADSTS7000215: \"[redacted]\" is no good"}`},
		"the form":                  {400, "asked with client_secret=%u&x=y", "asked with client_secret=[redacted]&x=y"},
		"a part":                    {500, "%p…", "[redacted]…"},
		"less than a part":          {500, secret[:11], secret[:11]},
		"twice":                     {401, "%s %s", "[redacted] [redacted]"},
		"an error of 200":           {200, `{"error":"x","said":"%b"}`, `{"error":"x","said":"[redacted]"}`},
		"a token that begins as it": {200, `{"access_token":"%b"}`, `{"access_token":"` + bearer + `"}`},
		"nothing of it":             {404, "no such tenant", "no such tenant"},
	} {
		t.Run(name, func(t *testing.T) {
			quoted, _ := json.Marshal(secret)
			answer := strings.NewReplacer("%s", secret, "%q", `\"`+string(quoted[1:len(quoted)-1])+`\"`, "%u", url.QueryEscape(secret), "%p", secret[3:20], "%b", bearer).Replace(c.answer)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				w.Header().Set("WWW-Authenticate", "Basic realm="+bearer)
				w.WriteHeader(c.status)
				_, _ = fmt.Fprint(w, answer)
			}))
			defer server.Close()
			request, err := http.NewRequest(http.MethodPost, server.URL, strings.NewReader(url.Values{"client_secret": {secret}}.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Authorization", "Bearer "+bearer)
			resp, err := NewClient(Options{}).Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			got, _ := io.ReadAll(resp.Body)
			if string(got) != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if challenge := resp.Header.Get("WWW-Authenticate"); c.status >= 300 && challenge != "Basic realm=[redacted]" {
				t.Errorf("the challenge is %s", challenge)
			}
		})
	}
}
