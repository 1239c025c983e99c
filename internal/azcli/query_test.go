package azcli

import (
	"strings"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

func answer() *Object {
	held := token.Token{Value: token.NewSecret("canary-token-value"), ExpiresOn: time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)}
	return NewAccessToken(held, testTenant, testSubscription, time.UTC).Document()
}

func TestQueriesOfTheTokenDocument(t *testing.T) {
	for _, c := range []struct{ format, query, want string }{
		{"tsv", "accessToken", "canary-token-value\n"},
		{"json", "accessToken", "\"canary-token-value\"\n"},
		{"tsv", "", "canary-token-value\t2026-11-23 08:00:00.000000\t1795420800\t" + testSubscription + "\t" + testTenant + "\tBearer\n"},
		{"tsv", "[expires_on, accessToken]", "1795420800\ncanary-token-value\n"},
		{"tsv", "{token: accessToken, expires: expires_on}", "canary-token-value\t1795420800\n"},
		{"json", "{token: accessToken, expires: expires_on}", "{\n  \"expires\": 1795420800,\n  \"token\": \"canary-token-value\"\n}\n"},
		{"table", "{token: accessToken, expires: expires_on}", "Token               Expires\n------------------  ----------\ncanary-token-value  1795420800\n"},
		{"yaml", "{e: expiresOn, n: nope}", "e: '2026-11-23 08:00:00.000000'\nn: null\n"},
		{"tsv", "keys(@)", "tokenType\naccessToken\nexpires_on\nexpiresOn\ntenant\nsubscription\n"},
		{"json", "nope", ""},
		{"none", "accessToken", ""},
		{"tsv", "tokenType == `Bearer`", "true\n"},
		{"tsv", "'it\\'s `x`'", "it's `x`\n"},
		{"tsv", "contains(`[\"a`b\"]`, 'a') || 'no'", ""},
		{"tsv", "tokenType < 'C' && expires_on <= `1795420800`", "true\n"},
	} {
		out := Output{Format: c.format, Query: c.query, Queried: c.query != ""}
		got, err := out.Render(answer())
		if c.want == "" && err != nil {
			continue
		}
		if err != nil || string(got) != c.want {
			t.Errorf("-o %s --query %q: %v\n got %q\nwant %q", c.format, c.query, err, got, c.want)
		}
	}
}

// The query is read before a token is asked for, and what it complains of may be the token.
func TestUnusableQueriesAreToldApart(t *testing.T) {
	for query, misuse := range map[string]bool{
		"": true, "tenant[": true, "let $x T access=oken in $x": true, "let $x = tenant in $x": true, "expires_on + `1`": true, "[-expires_on]": true, "{a: $.tenant}": true, "tenant-id": true, "foo bar": true, "`": true, "'x": true,
		"nope(@)": false, "length(expires_on)": false, "sum(accessToken)": false, "keys(accessToken)": false, "length(@, @)": false, "*.keys(@)": false,
		"max_by(values(@), &@)": false, "pad_left(tenant, `100000000`)": false, "find_first(tenant, 'a')": false, "sort_by([{a: accessToken}, {a: expires_on}], &a)": false,
	} {
		out := Output{Format: "json", Query: query, Queried: true}
		err := out.Check("az account get-access-token")
		if misuse != (err != nil) {
			t.Errorf("%q before the call: %v", query, err)
		}
		if err == nil {
			_, err = out.Render(answer())
		}
		if err == nil {
			t.Errorf("%q works", query)
			continue
		}
		if e := problem.From(err); e.Misuse != misuse || !strings.Contains(e.Message, "jmespath") || strings.Contains(e.Error(), "canary") {
			t.Errorf("%q: %v", query, err)
		}
	}
}

func TestUnknownFormatIsNamedBeforeTheCall(t *testing.T) {
	if err := (Output{Format: "xml"}).Check("az account show"); err == nil || !problem.From(err).Misuse ||
		!strings.Contains(err.Error(), "'xml' is not a valid value for '--output'. Allowed values: json, jsonc, yaml") {
		t.Error(err)
	}
	if err := (Output{Format: "JSON"}).Check("az account show"); err != nil {
		t.Error(err)
	}
}
