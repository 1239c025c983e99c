package fakecloud

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The endpoints of managed identities refuse what the real ones refuse.
func TestIdentityEndpointsAreStrict(t *testing.T) {
	s, err := StartSandbox(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	// Service Fabric's certificate is nobody's.
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	const resource = "&resource=" + SandboxResource
	imds, site, fabric, ml, old, shell, arc := s.IMDS.URL+"/metadata/identity/oauth2/token", s.AppService.Endpoint(), s.ServiceFabric.Endpoint(), s.AzureML.Endpoint(), s.OldAppService.Endpoint(), s.CloudShell.Endpoint(), s.ArcAgent.Endpoint()
	ask := func(method, url, header string) (int, string, http.Header) {
		var body io.Reader
		if after, form, ok := strings.Cut(url, " "); ok {
			url, body = after, strings.NewReader(form)
		}
		r, err := http.NewRequest(method, url, body)
		if err != nil {
			t.Fatal(err)
		}
		if body != nil {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		for line := range strings.SplitSeq(header, ",") {
			if name, value, ok := strings.Cut(line, ":"); ok {
				r.Header.Set(name, value)
			}
		}
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(answer), resp.Header
	}
	for name, c := range map[string]struct {
		method, url, header string
		status              int
		says                string
	}{
		"IMDS":                             {"GET", imds + "?api-version=2018-02-01" + resource, "Metadata:true", 200, `"expires_on":"`},
		"IMDS without its header":          {"GET", imds + "?api-version=2018-02-01" + resource, "", 400, "Required metadata header not specified"},
		"IMDS through a proxy":             {"GET", imds + "?api-version=2018-02-01" + resource, "Metadata:true,X-Forwarded-For:10.0.0.1", 400, "X-Forwarded-For"},
		"IMDS of another version":          {"GET", imds + "?api-version=2019-08-01" + resource, "Metadata:true", 400, "api-version"},
		"IMDS by POST":                     {"POST", imds + "?api-version=2018-02-01" + resource, "Metadata:true", 405, ""},
		"IMDS for another identity":        {"GET", imds + "?api-version=2018-02-01" + resource + "&client_id=x", "Metadata:true", 400, "Identity not found"},
		"App Service":                      {"GET", site + "?api-version=2019-08-01" + resource, "X-IDENTITY-HEADER:" + SandboxAppServiceHeader, 200, `"expires_on":"`},
		"App Service with the old header":  {"GET", site + "?api-version=2019-08-01" + resource, "Secret:" + SandboxAppServiceHeader, 401, "X-IDENTITY-HEADER"},
		"App Service of another version":   {"GET", site + "?api-version=2017-09-01" + resource, "X-IDENTITY-HEADER:" + SandboxAppServiceHeader, 400, "api-version"},
		"Service Fabric":                   {"GET", fabric + "?api-version=2019-07-01-preview" + resource, "Secret:" + SandboxFabricCode, 200, `"expires_on":1`},
		"Service Fabric without a code":    {"GET", fabric + "?api-version=2019-07-01-preview" + resource, "", 400, "SecretHeaderNotFound"},
		"Service Fabric, unknown":          {"GET", fabric + "?api-version=2019-07-01-preview" + resource, "Secret:x", 404, "ManagedIdentityNotFound"},
		"Service Fabric of another time":   {"GET", fabric + "?api-version=2020-05-01" + resource, "Secret:" + SandboxFabricCode, 400, "InvalidApiVersion"},
		"Service Fabric for nothing":       {"GET", fabric + "?api-version=2019-07-01-preview", "Secret:" + SandboxFabricCode, 400, "ArgumentNullOrEmpty"},
		"Azure ML":                         {"GET", ml + "?api-version=2017-09-01" + resource + "&clientid=" + SandboxUserClient, "secret:" + SandboxMSISecret, 200, `"expires_on":1`},
		"Azure ML without a client":        {"GET", ml + "?api-version=2017-09-01" + resource, "secret:" + SandboxMSISecret, 400, "clientid"},
		"Azure ML with another secret":     {"GET", ml + "?api-version=2017-09-01" + resource + "&clientid=" + SandboxUserClient, "secret:x", 401, "secret"},
		"App Service of before":            {"GET", old + "?api-version=2017-09-01" + resource, "secret:" + SandboxMSISecret, 200, `"expires_on":"`},
		"App Service of before, new API":   {"GET", old + "?api-version=2019-08-01" + resource, "secret:" + SandboxMSISecret, 400, "api-version"},
		"Cloud Shell":                      {"POST", shell + " resource=https://management.azure.com/", "Metadata:true", 200, `"expires_on":"`},
		"Cloud Shell without its header":   {"POST", shell + " resource=https://management.azure.com/", "", 400, "metadata header"},
		"Cloud Shell for one's own":        {"POST", shell + " resource=" + SandboxResource, "Metadata:true", 400, "AudienceNotSupported"},
		"Azure Arc without its header":     {"GET", arc + "?api-version=2020-06-01" + resource, "", 400, "metadata header"},
		"Azure Arc of another version":     {"GET", arc + "?api-version=2018-02-01" + resource, "Metadata:true", 400, "api-version"},
		"Azure Arc with a key of no value": {"GET", arc + "?api-version=2020-06-01" + resource, "Metadata:true,Authorization:Basic x", 401, "Authorization"},
	} {
		t.Run(name, func(t *testing.T) {
			if status, says, _ := ask(c.method, c.url, c.header); status != c.status || !strings.Contains(says, c.says) {
				t.Errorf("%d %s", status, says)
			}
		})
	}

	keys := t.TempDir()
	s.ArcAgent.KeepKeysIn(keys)
	address := arc + "?" + url.Values{"api-version": {"2020-06-01"}, "resource": {SandboxResource}}.Encode()
	_, _, header := ask("GET", address, "Metadata:true")
	file, ok := strings.CutPrefix(header.Get("WWW-Authenticate"), "Basic realm="+ArcTokenDirectory+"/")
	key, err := os.ReadFile(filepath.Join(keys, file))
	if !ok || err != nil {
		t.Fatal(header, err)
	}
	for _, want := range []int{200, 401} { // a key is good for one answer
		if status, says, _ := ask("GET", address, "Metadata:true,Authorization:Basic "+string(key)); status != want {
			t.Errorf("%d %s", status, says)
		}
	}
}
