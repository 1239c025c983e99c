package faults

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/idferry/idferry/internal/fakecloud"
)

// echoes are answers of a server that repeats what it was asked with, whole, in part and as it was encoded.
func echoes(other *elsewhere) []fault {
	const json = "application/json; charset=utf-8"
	said := func(code int, kind, format string) func(*gate) {
		return repeated(func(w http.ResponseWriter, heard string) {
			if kind == json {
				heard = strconv.Quote(heard)
				heard = heard[1 : len(heard)-1]
			}
			status(code, document{kind, fmt.Sprintf(format, heard)})(w, nil)
		})
	}
	header := func(code int, name, format string) func(*gate) {
		return repeated(func(w http.ResponseWriter, heard string) {
			status(code, nothing, name, fmt.Sprintf(format, heard))(w, nil)
		})
	}
	return []fault{
		{name: "in an error of RFC 6749", set: said(400, json, `{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided: %s"}`)},
		{name: "in an error's code", set: said(400, json, `{"error":"%[1]s","error_description":"%[1]s","error_codes":[7000215]}`)},
		{name: "in an error of Google's", set: said(400, json, `{"error":{"code":400,"message":"Bad request: %[1]s","status":"INVALID_ARGUMENT","details":[{"reason":"%[1]s"}]}}`)},
		{name: "in a message", set: said(401, json, `{"message":"no such caller: %s","statusCode":401}`)},
		{name: "in text", set: said(403, "text/plain", "Forbidden: %s")},
		{name: "in HTML", set: repeated(func(w http.ResponseWriter, heard string) {
			status(404, document{"text/html", "<html><pre>" + html.EscapeString(heard) + "</pre></html>"})(w, nil)
		})},
		{name: "in a challenge", set: header(401, "WWW-Authenticate", `Bearer realm="%s"`)},
		{name: "in a redirect", set: header(302, "Location", other.url[len("://"):]+"/%s")},
		{name: "in a redirect's host", set: repeated(func(w http.ResponseWriter, heard string) {
			first, _, _ := strings.Cut(heard, " ")
			status(302, nothing, "Location", "https://"+url.PathEscape(first)+".example/")(w, nil)
		})},
		{name: "in the kind of a page", set: header(200, "Content-Type", "text/%s")},
		{name: "in an answer that is none", set: said(200, json, `{"token_type":"Bearer","error":"invalid_grant","error_description":"%[1]s","other":"%[1]s","expires_in":"%[1]s"}`)},
		{name: "in the reason", set: repeated(func(w http.ResponseWriter, heard string) {
			if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_, _ = fmt.Fprintf(c, "HTTP/1.1 400 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", heard)
				_ = c.Close()
			}
		})},
	}
}

// repeated answers with what it was asked with.
func repeated(answer func(w http.ResponseWriter, heard string)) func(*gate) {
	return func(g *gate) {
		g.answer = func(http.Handler) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				var asked overheard
				asked.hearRequest(r)
				var heard []string
				for _, secret := range asked.all() {
					secret = strings.ReplaceAll(secret, "\n", "")
					heard = append(heard, secret, secret[:2*len(secret)/3], url.QueryEscape(secret))
				}
				answer(w, strings.Join(heard, " "))
			}
		}
	}
}

// Whoever answers with what it was asked with, the endpoint itself or a page in its place, gets none of it into an error,
// a log or a file.
func TestNoSecretIsRepeated(t *testing.T) {
	programs := build(t)
	at, other, homes := newClouds(t, 0), newElsewhere(t), t.TempDir()
	var cells []*cell
	for _, h := range slices.Concat(toAzure(), toGoogle(), onArc(), examined()) {
		for _, f := range echoes(other) {
			told := h.told
			switch {
			case slices.ContainsFunc(told, func(c contract) bool { return c.program == helper }):
				told = append(told[:len(told):len(told)], finding(helper, "doctor"))
			default:
				told = append(told[:len(told):len(told)], finding(source, "doctor"))
			}
			for _, contract := range told {
				cells = append(cells, errand(t, h, f, contract, at, other, programs, filepath.Join(homes, strconv.Itoa(len(cells)))))
			}
		}
	}
	speaking := behindProxies(t)
	if runtime.GOOS != "windows" {
		// The tools are links.
		speaking = slices.Concat(speaking, googleTools(), azureTools())
	}
	for _, h := range speaking {
		for _, say := range []string{"complaint", "garbage"} {
			examine := finding(h.told[0].program, "doctor")
			examine.prepare = h.told[0].prepare
			for _, contract := range []contract{h.told[0], examine} {
				c := errand(t, h, fault{name: say}, contract, at, other, programs, filepath.Join(homes, strconv.Itoa(len(cells))))
				c.machine.set(sayVariable + "=" + say)
				cells = append(cells, c)
			}
		}
	}
	each(cells, 8, func(c *cell) { c.first = c.call(programs) })
	for _, c := range cells {
		t.Run(c.hop.name+"/"+c.fault.name+"/"+c.contract.name, func(t *testing.T) {
			if c.first.failed != nil || strings.Contains(string(c.first.stderr), "panic") {
				t.Errorf("%v: %s%s", c.first.failed, c.first.stdout, c.first.stderr)
			}
			c.judgeSecrets(t)
		})
	}
	if seen := other.visits(); len(seen) > 0 {
		t.Errorf("another host was connected to: %v", seen)
	}
	t.Logf("%d runs", len(cells))
}

// behindProxies are machines that reach Entra ID through a proxy with a password, which refuses or is no URL.
func behindProxies(t *testing.T) []hop {
	t.Helper()
	refusing, err := fakecloud.StartProxy(http.StatusProxyAuthRequired)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(refusing.Close)
	var all []hop
	for name, proxy := range map[string]string{
		"a proxy that refuses":       strings.Replace(refusing.URL, "://", "://user:"+baitPassword+"@", 1),
		"a proxy of no known scheme": "gopher://user:" + baitPassword + "@127.0.0.1:9", "a proxy without a scheme": "user:" + baitPassword + "@127.0.0.1:9/%zz",
	} {
		for _, told := range []contract{executable(), raw()} {
			h := hop{name: name, server: entra, tls: true, told: []contract{told}, resource: fakecloud.SandboxResource, given: app()}
			h.machine = func(m *machine, _ string) {
				m.set("AZURE_AUTHORITY_HOST=https://login.microsoftonline.com", "HTTPS_PROXY="+proxy, "IDFERRY_CREDENTIAL=environment", "AZURE_CLIENT_SECRET="+fakecloud.SandboxSecret,
					"IDFERRY_GOOGLE_SOURCE=metadata", "GCE_METADATA_HOST="+m.clouds.Google.MetadataHost())
			}
			all = append(all, h)
		}
	}
	return all
}
